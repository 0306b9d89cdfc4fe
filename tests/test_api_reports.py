"""One question, four answers: what the reports say, counted again in plain Python."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import time_machine
from flask.testing import FlaskClient

from api.reports import REPORTS
from db.names import PlaceValue
from tests.seed import READING, Record, ingest, open_app, open_database

BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
KAUNAS = PlaceValue("LT", "", "", "Kaunas")
FOX = {"name": "Vulpes vulpes", "scientific": "Vulpes vulpes", "vernacular": "Red fox", "genus": "Vulpes"}
ARCTIC = {
    "name": "Vulpes lagopus",
    "scientific": "Vulpes lagopus",
    "vernacular": "Arctic fox",
    "genus": "Vulpes",
}
RECORDS = [
    Record(**FOX, first=20240311, count=None, time=5 * 3600),
    Record(**FOX, first=20240311, count=3, time=5 * 3600 + 1800, place=BERGEN),
    Record(**FOX, first=20240315, count=2, time=23 * 3600, place=KAUNAS, basis="MACHINE_OBSERVATION"),
    Record(**FOX, first=20240501, last=20240531, count=4),
    Record(**ARCTIC, first=20240313, count=0),
    Record(**ARCTIC, first=20240401, count=1.5, latitude=-10.0, longitude=179.5),
    Record(**ARCTIC, first=None, count=9),
    *READING,
]


@pytest.fixture
def client(home: Path) -> Iterator[FlaskClient]:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS, feed="station")
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def told(client: FlaskClient, url: str) -> dict[str, Any]:
    answer = client.get(url)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def values(answer: dict[str, Any]) -> dict[tuple[str, Any], float]:
    return {(row["name"], row["date"]): row["value"] for row in answer["data"]}


def test_the_timeline_counts_individuals_per_year(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/timeline.json?species=Deer&species=bear&measure=individuals")
    expected = {
        (row.name, row.first // 10_000): row.count
        for row in READING
        if row.name in ("Bear", "Deer") and row.first
    }
    assert values(answer) == expected
    assert answer["meta"] | {"ingestedAt": None} == {
        "report": "timeline",
        "question": "How many of each species were recorded in each year, month, week, day or hour?",
        "filters": {"species": ["bear", "deer"]},
        "measure": "individuals",
        "unit": "individuals",
        "interval": "year",
        "limit": 8,
        "species": 2,
        "dataVersion": 1,
        "dataAsOf": "2021",
        "ingestedAt": None,
        "timezone": "UTC",
        "partial": False,
        "warnings": [],
        "leftOut": [],
        "sources": ["station"],
    }


def test_nothing_recorded_is_a_gap_and_nothing_of_this_species_is_zero(client: FlaskClient) -> None:
    answer = told(
        client, "/api/v1/reports/timeline.json?scientificName=vulpes&interval=day&measure=individuals"
    )
    assert values(answer) == {
        ("Vulpes vulpes", "2024-03-11"): 4,
        ("Vulpes vulpes", "2024-03-13"): 0,  # somebody looked for the other fox
        ("Vulpes vulpes", "2024-03-15"): 2,
        ("Vulpes vulpes", "2024-04-01"): 0,
        ("Vulpes lagopus", "2024-03-11"): 0,
        ("Vulpes lagopus", "2024-03-13"): 0,
        ("Vulpes lagopus", "2024-03-15"): 0,
        ("Vulpes lagopus", "2024-04-01"): 1.5,
    }
    assert answer["meta"]["leftOut"] == [
        {"individuals": 13, "reason": "Their date is missing or not precise enough for one day."}
    ]
    assert answer["meta"]["warnings"] == ["1 record without a count was counted as one individual."]


@pytest.mark.parametrize(
    ("interval", "dates"),
    [("month", ["2024-03", "2024-04", "2024-05"]), ("week", ["2024-W11", "2024-W14"]),
     ("hour", ["2024-03-11T05", "2024-03-15T23"]), ("year", [2024])],
)  # fmt: skip
def test_dates_are_written_as_precisely_as_the_interval(
    client: FlaskClient, interval: str, dates: list[Any]
) -> None:
    answer = told(client, f"/api/v1/reports/timeline.json?species=vulpes&interval={interval}&limit=1")
    assert [row["date"] for row in answer["data"]] == dates


def test_the_leading_species_have_lines_and_the_rest_is_told(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/timeline.json?limit=2&measure=individuals&year=2010,2021")
    assert list(dict.fromkeys(row["name"] for row in answer["data"])) == ["Deer", "Bear"]
    wolves = sum(row.count or 0 for row in READING if row.name == "Wolf")
    assert answer["meta"]["leftOut"] == [
        {"individuals": wolves, "reason": "Only the 2 leading species have a line."}
    ]


def test_an_answer_has_a_size(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.reports.timeline.MOST_ROWS", 30)
    assert client.get("/api/v1/reports/timeline.json?limit=2").status_code == 200
    answer = client.get("/api/v1/reports/timeline.json?limit=3")
    assert (answer.status_code, answer.json["parameter"]) == (400, "interval")


def test_a_species_that_was_asked_for_has_its_zeros(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/timeline.json?species=Wolf&species=Red%20fox")
    assert values(answer)["Vulpes vulpes", 2015] == 0
    assert values(answer)["Wolf", 2024] == 0


@pytest.mark.parametrize(
    ("query", "individuals"),
    [("country=LT", 2), ("country=no&species=vulpes", 4 + 4 + 1.5 + 9), ("locality=Bergen", 3),
     ("stateProvince=Vestland", 3),
     ("basisOfRecord=MachineObservation", 2), ("bbox=179,-20,-179,0", 1.5),
     ("feed=station&locality=Bergen", 3),
     ("eventDate=2024-03", 6), ("year=2024&month=3", 6), ("year=2024&month=4,5", 5.5), ("feed=nobody", 0),
     ("eventDate=2024-05-02,*", 0), ("taxonKey=999", 0)],
)  # fmt: skip
def test_filters_leave_what_they_say(client: FlaskClient, query: str, individuals: float) -> None:
    assert told(client, f"/api/v1/reports/summary.json?{query}")["data"][0]["individuals"] == individuals


def test_the_ranking_has_the_leading_species(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/species.json?measure=individuals&limit=3")
    sums = {
        name: sum(row.count or 0 for row in READING if row.name == name) for name in ("Deer", "Bear", "Wolf")
    }
    assert {row["name"]: row["value"] for row in answer["data"]} == sums
    assert [row["name"] for row in answer["data"]] == ["Deer", "Bear", "Wolf"]
    assert answer["meta"]["species"] == 5
    assert answer["meta"]["leftOut"][0]["individuals"] == 10 + 10.5


def test_the_summary_is_one_row_of_totals(client: FlaskClient) -> None:
    [row] = told(client, "/api/v1/reports/summary.json")["data"]
    assert row == {
        "records": len(RECORDS) - 1,
        "individuals": sum(1 if row.count is None else row.count for row in RECORDS),
        "species": 5,
        "firstDate": 2010,
        "lastDate": "2024-05",
        "uncounted": 1,
        "absences": 1,
        "undated": 1,
        "feeds": 1,
    }


def test_the_latest_records_are_whole_and_in_order(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/recent.json?limit=4")
    assert [(row["eventDate"], row["eventTime"]) for row in answer["data"]] == [
        ("2024-05", None), ("2024-04-01", None), ("2024-03-15", "23:00:00"), ("2024-03-11", "05:30:00")
    ]  # fmt: skip
    assert answer["data"][2]["countryCode"] == "LT"
    assert answer["data"][2]["individualCount"] == 2


@pytest.mark.parametrize(
    "url",
    ["timeline.{}?measure=individuals", "timeline.{}?interval=day&species=vulpes",
    "timeline.{}?interval=hour",
     "species.{}", "species.{}?measure=individuals&limit=2", "summary.{}", "recent.{}?limit=100",
     "timeline.{}?species=nothing"],
)  # fmt: skip
def test_csv_and_json_hold_the_same_rows(client: FlaskClient, url: str) -> None:
    rows = told(client, f"/api/v1/reports/{url.format('json')}")["data"]
    from_csv = pd.read_csv(io.BytesIO(client.get(f"/api/v1/reports/{url.format('csv')}").data))
    if not rows:
        assert from_csv.empty
        return
    # A column that is empty throughout has no type of its own in either.
    from_json = pd.DataFrame(rows).astype(object).where(lambda frame: frame.notna(), None)
    from_csv = from_csv.astype(object).where(from_csv.notna(), None)
    pd.testing.assert_frame_equal(from_json, from_csv)


def test_the_picture_holds_the_numbers_of_the_table(client: FlaskClient) -> None:
    url = "/api/v1/reports/timeline.{}?measure=individuals&year=2010,2021"
    rows = told(client, url.format("json"))["data"]
    picture = ET.fromstring(client.get(url.format("svg")).data)
    marks = [float(mark.get("data-value", "")) for mark in picture.iter() if mark.get("data-value")]
    assert sorted(marks) == sorted(row["value"] for row in rows)


def test_the_totals_and_the_latest_records_carry_their_numbers_too(client: FlaskClient) -> None:
    [row] = told(client, "/api/v1/reports/summary.json")["data"]
    picture = ET.fromstring(client.get("/api/v1/reports/summary.svg").data)
    marks = {mark.get("data-species"): mark.get("data-value") for mark in picture.iterfind(".//{*}g")}
    shown = ("records", "individuals", "species", "feeds")
    assert {name: float(marks[name.capitalize()] or "") for name in shown} == {
        name: row[name] for name in shown
    }
    rows = told(client, "/api/v1/reports/recent.json?limit=100")["data"]
    picture = ET.fromstring(client.get("/api/v1/reports/recent.svg?limit=100&height=1600").data)
    found = [mark.attrib for mark in picture.iterfind(".//{*}g") if mark.get("class") == "record"]
    assert [
        (
            int(mark["data-key"]),
            mark["data-date"],
            float(mark["data-value"]) if "data-value" in mark else None,
        )
        for mark in found
    ] == [(row["key"], row["eventDate"], row["individualCount"]) for row in rows]


def test_the_totals_and_the_latest_record_are_told_in_words(client: FlaskClient) -> None:
    [row] = told(client, "/api/v1/reports/summary.json")["data"]
    totals = client.get("/api/v1/reports/summary.svg").text.partition("<desc")[2].partition("</desc>")[0]
    assert f"{row['records']} records" in totals
    assert "from 2010 to 2024-05" in totals
    newest = client.get("/api/v1/reports/recent.svg").text.partition("<desc")[2].partition("</desc>")[0]
    assert "2024-05" in newest.partition("Data to")[0]


def test_a_narrow_list_of_records_keeps_whole_dates(client: FlaskClient) -> None:
    svg = client.get("/api/v1/reports/recent.svg?width=320&height=240").text
    assert ">2024-03-15<" in svg
    assert ">2024-03-15 23:00<" in client.get("/api/v1/reports/recent.svg").text


def test_a_report_that_there_is_not_is_told_with_the_nearest(client: FlaskClient) -> None:
    wrong = client.get("/api/v1/reports/timlein.json")
    assert (wrong.status_code, wrong.json["detail"]) == (
        404,
        "There is no report of this name; did you mean timeline?",
    )
    assert "svg, png, json, csv" in client.get("/api/v1/reports/timeline.xls").json["detail"]


def test_a_card_names_the_parameter_that_is_at_fault(client: FlaskClient) -> None:
    card = client.get("/api/v1/reports/timeline.svg?sceintificName=x").text
    assert ">sceintificName: This is not a parameter here; did you mean" in card
    assert ">interval must be" in client.get("/api/v1/reports/timeline.svg?interval=eon").text


def test_a_name_that_nothing_goes_by_is_told_and_not_an_error(client: FlaskClient) -> None:
    answer = told(client, "/api/v1/reports/timeline.json?species=unicorn&feed=nobody")
    assert answer["data"] == []
    assert answer["meta"]["warnings"] == [
        "Nothing here is known by the name unicorn.", "Nothing here is known by the name nobody."
    ]  # fmt: skip
    assert client.get("/api/v1/reports/timeline.svg?species=unicorn").status_code == 200


def test_a_key_that_nothing_goes_by_is_told_and_not_an_error(client: FlaskClient) -> None:
    known = told(client, "/api/v1/reports/species.json")["data"][0]["taxonKey"]
    answer = told(client, f"/api/v1/reports/species.json?taxonKey={known}&taxonKey=99999&taxonKey=500099999")
    assert [row["taxonKey"] for row in answer["data"]] == [known]
    assert answer["meta"]["warnings"] == [
        "Nothing here is known by the taxonKey 99999.", "Nothing here is known by the taxonKey 500099999."
    ]  # fmt: skip
    assert "known by the taxonKey 99999." in client.get("/api/v1/reports/map.svg?taxonKey=99999").text


@time_machine.travel("2024-03-15T23:30:00Z", tick=False)
def test_the_bucket_under_way_is_partial_in_the_zone_of_the_site(client: FlaskClient, home: Path) -> None:
    url = "/api/v1/reports/timeline.json?species=vulpes&interval=day&limit=1"
    assert [row["date"] for row in told(client, url)["data"] if row["partial"]] == ["2024-03-15"]
    assert told(client, url)["meta"]["partial"] is True
    assert told(client, f"{url}&eventDate=*,2024-03-14")["meta"]["partial"] is False
    eastern = open_app(home, timezone="Europe/Vilnius")
    assert told(eastern.test_client(), url)["meta"]["partial"] is False  # the 16th has begun there
    eastern.extensions["sightings"].reader.dispose()


def test_a_bucket_stops_being_partial_when_it_ends(client: FlaskClient) -> None:
    url = "/api/v1/reports/timeline.svg?species=vulpes&interval=month"
    past = "/api/v1/reports/timeline.svg?species=bear&year=2010,2020"
    with time_machine.travel("2024-05-31T12:00:00Z", tick=False):
        before, untouched = client.get(url), client.get(past)
    with time_machine.travel("2024-06-01T12:00:00Z", tick=False):
        assert client.get(url).headers["ETag"] != before.headers["ETag"]
        assert client.get(past).headers["ETag"] == untouched.headers["ETag"]


@pytest.mark.parametrize(
    "report",
    ["timeline", "species", "summary", "recent", "phenology", "seasonality", "diel", "calendar"],
)
@pytest.mark.parametrize("query", ["", "width=200&height=150", "width=2400&theme=dark",
                         "theme=auto&title=My+own",
                                   "species=nothing"])  # fmt: skip
def test_every_report_is_drawn_at_every_size(client: FlaskClient, report: str, query: str) -> None:
    svg = client.get(f"/api/v1/reports/{report}.svg?{query}")
    picture = ET.fromstring(svg.data)
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert picture.get("role") == "img"
    assert picture.find("{http://www.w3.org/2000/svg}title") is not None
    assert (picture.get("width") or "") in (query + "&width=720")
    if "title" in query:
        assert b"My own" in svg.data


def test_a_png_is_as_large_as_it_was_asked_to_be(client: FlaskClient) -> None:
    data = client.get("/api/v1/reports/timeline.png?width=300&height=200&scale=2").data
    assert data.startswith(b"\x89PNG")
    assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (600, 400)


def test_the_catalogue_lists_every_report_with_addresses_that_answer(client: FlaskClient) -> None:
    reports = told(client, "/api/v1/reports")["reports"]
    assert [report["name"] for report in reports] == list(REPORTS)
    for report in reports:
        assert report["question"].endswith("?")
        assert {"species", "eventDate", "bbox", "asOf", "theme"} <= set(report["parameters"])
        needed = "&".join(f"{name}=wolf" for name in report["required"])
        for address in report["forms"].values():
            assert client.get(f"{address}?{needed}").status_code == 200


def test_records_that_are_made_up_are_told_as_such(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING, feed="demo", made_up=True)
    app = open_app(home, title="Field station")
    client = app.test_client()
    assert told(client, "/api/v1/reports/summary.json")["meta"]["warnings"] == [
        "The records of the feed demo are made up."
    ]
    svg = client.get("/api/v1/reports/timeline.svg").text
    assert re.search("demo are made up", svg)
    assert "Field station" in svg
    app.extensions["sightings"].reader.dispose()


def test_an_empty_database_has_empty_answers(home: Path) -> None:
    open_database(f"sqlite:///{home / 'sightings.db'}")
    app = open_app(home)
    client = app.test_client()
    assert told(client, "/api/v1/reports/timeline.json")["data"] == []
    assert told(client, "/api/v1/reports/summary.json")["data"][0]["records"] == 0
    assert told(client, "/api/v1/version") == {"dataVersion": 0, "dataAsOf": None, "ingestedAt": None}
    for report in ("timeline", "species", "summary", "recent"):
        assert client.get(f"/api/v1/reports/{report}.svg").status_code == 200
    app.extensions["sightings"].reader.dispose()


@pytest.mark.parametrize(
    "query",
    ["", "species=vulpes", "country=NO&year=2024", "eventDate=2024-03,2024-04", "bbox=179,-20,-179,0",
    "asOf=1",
     "month=3", "feed=station", "species=unicorn"],
)  # fmt: skip
def test_sqlite_and_postgresql_give_the_same_answers(
    client: FlaskClient, home: Path, postgresql_database: str, query: str
) -> None:
    ingest(open_database(postgresql_database), RECORDS, feed="station")
    app = open_app(home / "other", database_url=postgresql_database)
    for url in ("timeline.json?interval=week", "timeline.json?interval=hour",
                    "timeline.json?measure=individuals",
                "species.json?", "summary.json?", "recent.json?limit=50"):  # fmt: skip
        ours, theirs = (told(one, f"/api/v1/reports/{url}&{query}") for one in (client, app.test_client()))
        assert ours["data"] == theirs["data"], url
        assert ours["meta"] | {"ingestedAt": None} == theirs["meta"] | {"ingestedAt": None}
    app.extensions["sightings"].reader.dispose()
