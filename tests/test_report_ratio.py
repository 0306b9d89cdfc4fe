"""One species for each of another: the numbers beside a group-by of our own, the gaps, the picture."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
import pytest
import time_machine
from flask.testing import FlaskClient

from api.draw.words import canonical
from db.names import PlaceValue
from tests.seed import READING, Record, ingest, open_app, open_database

BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
LYNX = {"name": "Lynx lynx", "scientific": "Lynx lynx", "vernacular": "Eurasian lynx", "genus": "Lynx"}
BOBCAT = {"name": "Lynx rufus", "scientific": "Lynx rufus", "vernacular": "Bobcat", "genus": "Lynx"}
HARE = {"name": "Lepus timidus", "scientific": "Lepus timidus", "vernacular": "Mountain hare"}
RECORDS = [
    Record(**LYNX, first=20200103, count=2),
    Record(**LYNX, first=20200110, count=None, place=BERGEN),
    Record(**BOBCAT, first=20200120, count=1),
    Record(**HARE, first=20200115, count=8),
    Record(**LYNX, first=20200203, count=5),  # nothing to divide by
    Record(**HARE, first=20200303, count=4),  # nothing to divide
    Record(**LYNX, first=20200403, count=0),  # looked for, and neither was there
    Record(**HARE, first=20200404, count=0),
    Record(**LYNX, first=20200601, count=1.5),
    Record(**HARE, first=20200601, count=0.5, place=BERGEN),
    Record(**HARE, first=20200101, last=20201231, count=30),  # counts in the year alone
    Record("Moose", 20200501, count=7),  # none of the question's
    *READING,
]
ASKED = "numerator=eurasian+LYNX&denominator=lepus+timidus"


@pytest.fixture
def client(home: Path) -> Iterator[FlaskClient]:
    yield from clients(f"sqlite:///{home / 'sightings.db'}", home)


@pytest.fixture
def either(database_url: str, home: Path) -> Iterator[FlaskClient]:
    """The same over each kind of database."""
    yield from clients(database_url, home)


def clients(url: str, home: Path) -> Iterator[FlaskClient]:
    writer = open_database(url)
    ingest(writer, RECORDS, feed="station")
    app = open_app(home, database_url=url)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


def told(client: FlaskClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/reports/ratio.json?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def rows(answer: dict[str, Any]) -> dict[Any, tuple[float, float, float | None]]:
    return {row["date"]: (row["numerator"], row["denominator"], row["value"]) for row in answer["data"]}


def by_pandas(numerator: str, denominator: str, measure: str) -> dict[int, tuple[float, float, float | None]]:
    frame = pd.DataFrame(
        {
            "year": row.first // 10_000,
            "name": row.name,
            "individuals": 1 if row.count is None else row.count,
            "records": row.count != 0,
        }
        for row in RECORDS
        if row.first and row.name in (numerator, denominator)
    )
    table = frame.pivot_table(index="year", columns="name", values=measure, aggfunc="sum", fill_value=0)
    return {
        int(year): (row[numerator], row[denominator], float(row[numerator] / row[denominator]))
        for year, row in table.iterrows()
    }


@pytest.mark.parametrize("measure", ["individuals", "records"])
@pytest.mark.parametrize(
    ("numerator", "denominator"), [("Wolf", "Deer"), ("Bear", "Wolf"), ("Lynx lynx", "Lepus timidus")]
)
def test_the_ratio_is_that_of_a_group_by(
    either: FlaskClient, numerator: str, denominator: str, measure: str
) -> None:
    query = f"numerator={quote(numerator)}&denominator={quote(denominator)}&measure={measure}"
    assert rows(told(either, query)) == by_pandas(numerator, denominator, measure)


def test_nothing_to_divide_by_is_a_gap_and_nothing_to_divide_is_zero(either: FlaskClient) -> None:
    answer = told(either, f"{ASKED}&interval=month")
    assert rows(answer) == {
        "2020-01": (3, 8, 0.375),
        "2020-02": (5, 0, None),
        "2020-03": (0, 4, 0),
        "2020-04": (0, 0, None),
        "2020-06": (1.5, 0.5, 3),
    }
    assert answer["meta"] | {"ingestedAt": None, "sources": None} == {
        "report": "ratio",
        "question": "How many of one species for each of another?",
        "filters": {},
        "measure": "individuals",
        "unit": "individuals per individual",
        "interval": "month",
        "numerator": "Eurasian lynx",
        "denominator": "Lepus timidus",
        "dataVersion": 1,
        "dataAsOf": "2020-06-01",
        "ingestedAt": None,
        "timezone": "UTC",
        "partial": False,
        "warnings": ["1 record without a count was counted as one individual."],
        "leftOut": [
            {"individuals": 30, "reason": "Their date is missing or not precise enough for one month."}
        ],
        "sources": None,
    }


def test_a_whole_ratio_is_whole_and_a_small_one_is_not_rounded_away(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, [Record("Wolf", 20200101, count=1), Record("Midge", 20200101, count=4_000_000)])
    client = open_app(home).test_client()
    assert told(client, "numerator=wolf&denominator=midge")["data"][0]["value"] == 2.5e-7
    assert told(client, "numerator=midge&denominator=wolf")["data"][0]["value"] == 4_000_000
    assert client.get("/api/v1/reports/ratio.svg?numerator=wolf&denominator=midge").status_code == 200


def test_a_higher_name_counts_all_of_it_and_may_hold_the_other(client: FlaskClient) -> None:
    answer = told(client, "numerator=lynx+rufus&denominator=Lynx&interval=month&eventDate=2020-01")
    assert rows(answer) == {"2020-01": (1, 4, 0.25)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [("country=NO&locality=Bergen", {2020: (1, 0.5, 2)}), ("month=6", {2020: (1.5, 0.5, 3)}),
     ("year=2020&interval=day&eventDate=2020-01,2020-01-15",
      {"2020-01-03": (2, 0, None), "2020-01-10": (1, 0, None), "2020-01-15": (0, 8, 0)}),
     ("feed=station&month=3", {2020: (0, 4, 0)}), ("asOf=1&month=6", {2020: (1.5, 0.5, 3)}),
     ("species=lynx", {2020: (9.5, 0, None)}), ("species=moose", {}), ("eventDate=1999", {})],
)  # fmt: skip
def test_filters_leave_what_they_say(either: FlaskClient, query: str, expected: dict[Any, Any]) -> None:
    month = "&interval=year" if "interval" not in query else ""
    assert rows(told(either, f"{ASKED}&{query}{month}")) == expected


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [("numerator=wolf", 400, "denominator"), ("denominator=wolf", 400, "numerator"),
     ("numerator=wolf&denominator=unicorn", 404, "denominator"),
     ("numerator=unicorn&denominator=wolf", 404, "numerator"),
     ("numerator=wolf&numerator=bear&denominator=deer", 400, "numerator"),
     ("numerator=&denominator=deer", 400, "numerator"),
     ("numerator=wolf&denominator=deer&divisor=deer", 400, "divisor")],
)  # fmt: skip
def test_both_species_are_needed_and_known(
    client: FlaskClient, query: str, status: int, parameter: str
) -> None:
    answer = client.get(f"/api/v1/reports/ratio.json?{query}")
    assert (answer.status_code, answer.json["parameter"]) == (status, parameter)
    card = client.get(f"/api/v1/reports/ratio.svg?{query}")
    assert (card.status_code, card.headers["Content-Type"]) == (status, "image/svg+xml")


def test_the_version_is_that_of_both_species(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, RECORDS, feed="station")
    client = open_app(home).test_client()
    url = f"/api/v1/reports/ratio.svg?{ASKED}"
    tag = client.get(url).headers["ETag"]
    ingest(writer, [Record("Moose", 20210101)], feed="station")
    assert client.get(url).headers["ETag"] == tag
    for one in (LYNX, HARE):
        ingest(writer, [Record(**one, first=20210101)], feed="station")
        assert client.get(url).headers["ETag"] != tag
        tag = client.get(url).headers["ETag"]
    same = "/api/v1/reports/ratio.svg?denominator=LEPUS%20timidus&numerator=Eurasian%20Lynx"
    assert client.get(same).headers["ETag"] == tag


@time_machine.travel("2020-06-15T12:00:00Z", tick=False)
def test_the_bucket_under_way_is_partial_and_hollow(client: FlaskClient) -> None:
    answer = told(client, f"{ASKED}&interval=month")
    assert [row["date"] for row in answer["data"] if row["partial"]] == ["2020-06"]
    picture = client.get(f"/api/v1/reports/ratio.svg?{ASKED}&interval=month").text
    assert picture.count('data-partial="true"') == 1


@pytest.mark.parametrize("query", ["interval=month", "interval=day", "interval=year&measure=records"])
def test_four_answers_hold_the_same_numbers(client: FlaskClient, query: str) -> None:
    data = told(client, f"{ASKED}&{query}")["data"]
    frame = pd.read_csv(io.BytesIO(client.get(f"/api/v1/reports/ratio.csv?{ASKED}&{query}").data))
    read = frame.astype(object).where(frame.notna(), None).to_dict("records")
    assert read == data
    picture = ET.fromstring(client.get(f"/api/v1/reports/ratio.svg?{ASKED}&{query}").data)
    marks = [
        (mark.get("data-date"), mark.get("data-value"))
        for mark in picture.iter()
        if mark.get("data-value") is not None
    ]
    drawn = [(str(row["date"]), canonical(row["value"])) for row in data if row["value"] is not None]
    assert sorted(marks) == sorted(drawn)
    assert client.get(f"/api/v1/reports/ratio.png?{ASKED}&{query}").data.startswith(b"\x89PNG")


def test_the_line_breaks_at_a_gap_and_the_axis_says_what_is_divided(client: FlaskClient) -> None:
    picture = ET.fromstring(client.get(f"/api/v1/reports/ratio.svg?{ASKED}&interval=month").data)
    texts = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "Eurasian lynx per Lepus timidus by month" in texts
    assert "Eurasian lynx per Lepus timidus, in individuals" in texts
    assert "0" in texts
    lines = [
        element
        for group in picture.iter("{http://www.w3.org/2000/svg}g")
        if group.get("class") == "series"
        for element in group.findall("{http://www.w3.org/2000/svg}path")
    ]
    assert not lines  # no two neighbours can both be divided here


def test_nothing_at_all_to_divide_by_is_said(client: FlaskClient) -> None:
    url = f"/api/v1/reports/ratio.{{}}?{ASKED}&interval=month&eventDate=2020-02"
    answer = client.get(url.format("json")).json
    assert [row["value"] for row in answer["data"]] == [None]
    assert "There is no Lepus timidus to divide by." in answer["meta"]["warnings"]
    assert "Nothing to divide by" in client.get(url.format("svg")).text
    none = client.get(f"/api/v1/reports/ratio.svg?{ASKED}&year=1999").text
    assert "No records match" in none
