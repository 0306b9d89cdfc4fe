"""The calendar: day by day, counted again in plain Python, and read back from the picture."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
import time_machine

from api.draw import Day, Look, Words, calendar
from tests.seed import Record, year
from tests.year_round import client_over, day_of, grouped, marks, some_records, texts, told

RECORDS = some_records()
WORDS = Words("Individuals per day", "All species", "individuals", (), "Facts.")


def date_of(record: Record) -> str | None:
    day = day_of(record)
    return day.isoformat() if day else None


@pytest.mark.parametrize("measure", ["records", "individuals"])
def test_each_day_of_the_newest_years_has_the_sum_of_all_that_is_asked_for(
    database_url: str, home: Path, measure: str
) -> None:
    with client_over(database_url, home, RECORDS) as client:
        for query, some in (
            ("&limit=200", RECORDS),
            ("", [row for row in RECORDS if (date_of(row) or "") >= "2022"]),
            ("&limit=1&species=wolf",
             [row for row in RECORDS if row.name == "Wolf" and (date_of(row) or "") >= "2024"]),
            ("&year=2020&locality=Bergen",
             [row for row in RECORDS
              if row.place.locality == "Bergen" and (date_of(row) or "")[:4] == "2020"]),
            ("&eventDate=2019-05,2019-06&eventDate=2021,*&year=2019&year=2022,2023&limit=200",
             [row for row in RECORDS
              if (date_of(row) or "").startswith(("2019-05", "2019-06", "2022", "2023"))]),
            ("&asOf=1&eventDate=2020-02-10,2021-11-05&limit=2",
             [row for row in RECORDS if "2020-02-10" <= (date_of(row) or "") <= "2021-11-05"]),
        ):  # fmt: skip
            answer = told(client, f"calendar.json?measure={measure}{query}")
            found = {row["date"]: row["value"] for row in answer["data"]}
            assert found == pytest.approx(grouped(some, date_of, measure)), query
            assert [row["date"] for row in answer["data"]] == sorted(found)


def test_what_is_shown_and_what_is_left_out_are_all_the_records(home: Path) -> None:
    present = sum(not (row.absent or row.count == 0) for row in RECORDS)
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        for limit in (1, 2, 3, 10):
            answer = told(client, f"calendar.json?measure=records&limit={limit}")
            out = [one["records"] for one in answer["meta"]["leftOut"]]
            assert sum(row["value"] for row in answer["data"]) + sum(out) == present


def test_years_without_a_day_make_room_for_older_ones(home: Path) -> None:
    records = [
        *(year("Deer", when, 2) for when in (2019, 2021, 2022, 2023, 2024)),
        Record("Deer", 20180501, count=3),
        Record("Deer", 20200501, count=5),
        Record("Deer", 20150501, count=7),
        Record("Deer", 20150601, 20150630, count=11),
    ]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "calendar.json?limit=2")
    assert {row["date"]: row["value"] for row in answer["data"]} == {"2018-05-01": 3, "2020-05-01": 5}
    assert answer["meta"]["years"] == [2018, 2020]
    earlier, vague = answer["meta"]["leftOut"]
    assert earlier == {"individuals": 7 + 11, "reason": "They are of the years before 2018."}
    assert vague == {
        "individuals": 5 * 2,
        "reason": "Their date is missing or not precise enough for one day.",
    }


def test_the_picture_the_table_and_the_json_hold_the_same_numbers(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        rows = told(client, "calendar.json")["data"]
        svg = client.get("/api/v1/reports/calendar.svg").data
        table = pd.read_csv(io.BytesIO(client.get("/api/v1/reports/calendar.csv").data))
    assert {mark["date"]: float(mark["value"]) for mark in marks(svg)} == {
        row["date"]: row["value"] for row in rows
    }
    assert table.to_dict("records") == rows
    assert {"2024", "2023", "2022"} <= set(texts(svg))


@time_machine.travel("2024-05-17T12:00:00Z", tick=False)
def test_today_is_partial_and_a_day_of_absences_is_zero(home: Path) -> None:
    records = [
        Record("Deer", 20240516, count=0),
        Record("Deer", 20240517, count=3),
        Record("Wolf", 20240515, count=0),
        Record("Deer", 20240515),
    ]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "calendar.json")
        svg = client.get("/api/v1/reports/calendar.svg").data
    assert answer["data"] == [
        {"date": "2024-05-15", "value": 1, "partial": False},
        {"date": "2024-05-16", "value": 0, "partial": False},
        {"date": "2024-05-17", "value": 3, "partial": True},
    ]
    assert answer["meta"]["partial"] is True
    assert {"no record", "0", "so far"} <= set(texts(svg))
    assert [mark["date"] for mark in marks(svg) if mark.get("partial")] == ["2024-05-17"]


def test_an_empty_database_has_an_empty_frame(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, []) as client:
        assert told(client, "calendar.json")["data"] == []
        assert "No records match" in texts(client.get("/api/v1/reports/calendar.svg").data)


@pytest.mark.parametrize("first", [date(1, 1, 1), date(1999, 1, 1), date(2024, 1, 1), date(9999, 1, 1)])
def test_every_day_of_a_year_has_a_cell_of_its_own(first: date) -> None:
    whole = [first + timedelta(n) for n in range(366 if first.year == 2024 else 365)]
    svg = calendar([Day(day, 1) for day in whole], "Deer", WORDS, Look()).svg()
    assert sorted(mark["date"] for mark in marks(svg)) == [day.isoformat() for day in whole]
    paths = {
        part.split('"')[0] for part in svg.decode().split('d="')[1:] if "data-date" in part.split(">")[0]
    }
    assert len(paths) == len(whole)


@pytest.mark.parametrize("size", [(200, 150), (320, 240), (720, 400), (1600, 900), (2400, 150), (240, 1600)])
def test_as_many_of_the_newest_years_as_fit_are_shown_and_the_others_counted(size: tuple[int, int]) -> None:
    days = [Day(date(when, 5, 17), when) for when in range(1875, 2025)]
    svg = calendar(days, "Deer", WORDS, Look(*size)).svg()
    drawn = sorted(mark["date"][:4] for mark in marks(svg))
    assert drawn == [str(when) for when in range(2025 - len(drawn), 2025)]
    assert f"and {150 - len(drawn)} earlier years" in texts(svg)
