"""The weeks of the year: counted again in plain Python and pandas, and read back from the picture."""

from __future__ import annotations

import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import time_machine

from api.draw import Look, Usual, Week, Words, Year, phenology
from tests.seed import Record, year
from tests.year_round import as_date, client_over, grouped, marks, some_records, texts, told

RECORDS = some_records()
WORDS = Words("Individuals by week of the year", "Swift", "individuals", (), "Facts.")


def week_of(record: Record) -> str | None:
    if record.first is None:
        return None
    first, last = (as_date(day).isocalendar() for day in (record.first, record.last or record.first))
    return f"{first.year}-W{first.week:02}" if first[:2] == last[:2] else None


def values(answer: dict[str, Any]) -> dict[str, float]:
    return {row["date"]: row["value"] for row in answer["data"]}


@pytest.mark.parametrize("measure", ["records", "individuals"])
def test_each_week_of_each_year_has_the_sum_of_all_that_is_asked_for(
    database_url: str, home: Path, measure: str
) -> None:
    with client_over(database_url, home, RECORDS) as client:
        for query, some in (
            ("", RECORDS),
            ("&species=wolf&species=deer", [row for row in RECORDS if row.name in ("Wolf", "Deer")]),
            ("&locality=Bergen&asOf=1", [row for row in RECORDS if row.place.locality == "Bergen"]),
            ("&year=2019,2022",
             [row for row in RECORDS
              if row.first and row.first >= 20190101 and (row.last or row.first) <= 20221231]),
        ):  # fmt: skip
            answer = told(client, f"phenology.json?measure={measure}{query}")
            assert values(answer) == pytest.approx(grouped(some, week_of, measure))
            assert all(row["date"] == f"{row['year']}-W{row['week']:02}" for row in answer["data"])


@pytest.mark.parametrize(
    ("query", "band", "quartiles"), [("", "quartiles", True), ("year=2021,2024", "range", False)]
)
def test_what_is_usual_is_what_pandas_says_of_the_weeks_of_the_earlier_years(
    home: Path, query: str, band: str, quartiles: bool
) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        answer = told(client, f"phenology.json?measure=records&{query}")
    meta, rows = answer["meta"], pd.DataFrame(answer["data"])
    assert (meta["year"], meta["band"]) == (2024, band)
    assert meta["earlierYears"] == sorted(set(rows["year"]) - {2024})
    weeks = rows[rows["year"] < 2024].groupby("week")["value"]
    ends = (weeks.quantile(0.25), weeks.quantile(0.75)) if quartiles else (weeks.min(), weeks.max())
    wanteds = {"low": ends[0], "median": weeks.median(), "high": ends[1], "years": weeks.size()}
    for name, wanted in wanteds.items():
        assert {one["week"]: one[name] for one in meta["usual"]} == pytest.approx(wanted.to_dict())


def test_the_picture_the_table_and_the_json_hold_the_same_numbers(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        answer = told(client, "phenology.json?species=Wren")
        svg = client.get("/api/v1/reports/phenology.svg?species=Wren").data
        table = pd.read_csv(io.BytesIO(client.get("/api/v1/reports/phenology.csv?species=Wren").data))
    assert table.to_dict("records") == answer["data"]
    drawn = {mark["date"]: (mark["species"], float(mark["value"])) for mark in marks(svg)}
    shown = [row for row in answer["data"] if row["year"] == answer["meta"]["year"]]
    assert drawn == {row["date"]: ("Wren", row["value"]) for row in shown}
    for one in answer["meta"]["usual"]:
        told_of = f'data-week="{one["week"]}" data-low="{one["low"]}" data-median="{one["median"]}"'
        assert told_of in svg.decode()
    assert {"2024", "middle half of 2019–2023", "median", "Wren"} <= set(texts(svg))


@time_machine.travel("2024-12-30T12:00:00Z", tick=False)
def test_the_week_under_way_belongs_to_the_year_of_its_thursday(home: Path) -> None:
    records = [Record("Deer", 20241223, count=4), Record("Deer", 20241230, count=2)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "phenology.json")
        svg = client.get("/api/v1/reports/phenology.svg").data
    assert [(row["date"], row["partial"]) for row in answer["data"]] == [
        ("2024-W52", False),
        ("2025-W01", True),
    ]
    assert answer["meta"]["partial"] is True
    assert (answer["meta"]["year"], answer["meta"]["band"]) == (2025, None)
    assert [mark["date"] for mark in marks(svg) if mark.get("partial")] == ["2025-W01"]
    assert {"2025", "2024"} <= set(texts(svg))


def test_what_is_too_vague_for_a_week_is_left_out_and_an_absence_is_a_zero(home: Path) -> None:
    records = [
        year("Deer", 2020, 7),
        Record("Deer", 20200504, 20200510, count=2),
        Record("Deer", 20200510, 20200511, count=4),
        Record("Deer", 20200518, count=0),
    ]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "phenology.json")
    assert values(answer) == {"2020-W19": 2, "2020-W21": 0}
    assert answer["meta"]["leftOut"] == [
        {"individuals": 11, "reason": "Their date is missing or not precise enough for one week."}
    ]


def test_an_empty_database_has_an_empty_frame(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, []) as client:
        answer = told(client, "phenology.json")
        assert (answer["data"], answer["meta"]["year"], answer["meta"]["usual"]) == ([], None, [])
        assert "No records match" in texts(client.get("/api/v1/reports/phenology.svg").data)


@pytest.mark.parametrize("size", [(200, 150), (320, 240), (720, 400), (1600, 900), (2400, 150), (240, 1600)])
@pytest.mark.parametrize("when", [1, 1999, 2020, 9999])
def test_every_week_of_a_year_is_drawn_at_its_place(size: tuple[int, int], when: int) -> None:
    last = (date(when, 12, 28)).isocalendar().week
    weeks = tuple(Week(week, 4_000_000 if week == 9 else 1) for week in range(1, last + 1))
    usual = tuple(Usual(week, 1, 2, 3) for week in (1, 2, 3, 20, 53))
    svg = phenology(Year(when, weeks, usual, "range", "1 to 3"), "Swift", WORDS, Look(*size)).svg()
    assert [mark["date"][-3:] for mark in sorted(marks(svg), key=lambda mark: mark["date"])] == [
        f"W{week:02}" for week in range(1, last + 1)
    ]
    assert b"nan" not in svg.replace(b"nance", b"")


def test_a_week_without_a_record_breaks_the_line() -> None:
    weeks = (Week(3, 1), Week(4, 2), Week(8, 1), Week(9, 5))
    svg = phenology(Year(2024, weeks), "Swift", WORDS, Look()).svg().decode()
    series = svg.split('class="series"')[1]
    assert series.split('d="')[1].split('"')[0].count("M") == 2


def test_a_hundred_years_make_no_larger_a_picture_than_a_few(home: Path) -> None:
    records = [Record("Deer", int(f"{date(1920, 1, 5) + timedelta(91 * n):%Y%m%d}")) for n in range(400)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        svg = client.get("/api/v1/reports/phenology.svg").data
        assert len(told(client, "phenology.json")["data"]) == 400
    assert len(svg) < 40_000
