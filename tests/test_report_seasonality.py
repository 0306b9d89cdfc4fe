"""The seasons: year by month, counted again in plain Python, and read back from the picture."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
import time_machine

from api.draw import Look, Month, Words, seasonality
from api.draw.heat import shades
from tests.seed import Record, year
from tests.year_round import client_over, grouped, marks, some_records, texts, told

RECORDS = some_records()
WORDS = Words("Individuals by year and month", "All species", "individuals", (), "Facts.")


def month_of(record: Record) -> str | None:
    first, last = record.first, record.last or record.first
    if first is None or last is None or first // 100 != last // 100:
        return None
    return f"{first // 10_000}-{first // 100 % 100:02}"


@pytest.mark.parametrize("measure", ["records", "individuals"])
def test_each_month_of_each_year_has_the_sum_of_all_that_is_asked_for(
    database_url: str, home: Path, measure: str
) -> None:
    with client_over(database_url, home, RECORDS) as client:
        for query, some in (
            ("", RECORDS),
            ("&species=wolf&species=deer", [row for row in RECORDS if row.name in ("Wolf", "Deer")]),
            ("&species=wren&locality=Bergen",
             [row for row in RECORDS if row.name == "Wren" and row.place.locality == "Bergen"]),
            ("&asOf=1&month=4,5", [row for row in RECORDS if (month_of(row) or "")[5:] in ("04", "05")]),
        ):  # fmt: skip
            answer = told(client, f"seasonality.json?measure={measure}{query}")
            found = {row["date"]: row["value"] for row in answer["data"]}
            assert found == pytest.approx(grouped(some, month_of, measure))
            assert [row["date"] for row in answer["data"]] == sorted(found)
            assert all(row["date"] == f"{row['year']}-{row['month']:02}" for row in answer["data"])


def test_the_picture_the_table_and_the_json_hold_the_same_numbers(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        rows = told(client, "seasonality.json?species=Deer")["data"]
        svg = client.get("/api/v1/reports/seasonality.svg?species=Deer").data
        table = pd.read_csv(io.BytesIO(client.get("/api/v1/reports/seasonality.csv?species=Deer").data))
    drawn = {mark["date"]: (mark["species"], float(mark["value"])) for mark in marks(svg)}
    assert drawn == {row["date"]: ("Deer", row["value"]) for row in rows}
    pd.testing.assert_frame_equal(table, pd.DataFrame(rows), check_dtype=False)
    assert "Deer" in texts(svg)


@time_machine.travel("2024-03-15T23:30:00Z", tick=False)
def test_the_month_under_way_is_partial_and_drawn_hollow(home: Path) -> None:
    records = [Record("Deer", 20240210, count=4), Record("Deer", 20240301, count=2)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "seasonality.json")
        svg = client.get("/api/v1/reports/seasonality.svg").data
    assert answer["meta"]["partial"] is True
    assert [row["date"] for row in answer["data"] if row["partial"]] == ["2024-03"]
    assert [mark["date"] for mark in marks(svg) if mark.get("partial")] == ["2024-03"]
    assert b'stroke-dasharray="2.2 1.6"' in svg
    assert "so far" in texts(svg)


def test_what_is_too_vague_for_a_month_is_left_out_and_named(home: Path) -> None:
    records = [year("Deer", 2020, 7), Record("Deer", None, count=2), Record("Deer", 20200501, count=1)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "seasonality.json")
        assert [(row["date"], row["value"]) for row in answer["data"]] == [("2020-05", 1)]
        assert answer["meta"]["leftOut"] == [
            {"individuals": 9, "reason": "Their date is missing or not precise enough for one month."}
        ]
        svg = client.get("/api/v1/reports/seasonality.svg").text
        assert "9 individuals left out: Their date is missing" in svg


def test_what_was_looked_for_is_a_zero_and_what_was_not_has_no_row(home: Path) -> None:
    records = [Record("Deer", 20200501), Record("Deer", 20200701, count=0)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        rows = told(client, "seasonality.json")["data"]
        svg = client.get("/api/v1/reports/seasonality.svg").data
    assert {row["date"]: row["value"] for row in rows} == {"2020-05": 1, "2020-07": 0}
    assert {"no record", "0"} <= set(texts(svg))


@pytest.mark.parametrize(
    ("query", "subtitle"),
    [("", "All species"), ("species=deer", "Deer"), ("species=deer&species=wolf", "Deer, Wolf together"),
     ("species=unicorn", "unicorn"), ("species=wren&year=2021", "Wren · year 2021")],
)  # fmt: skip
def test_the_picture_says_what_was_summed(home: Path, query: str, subtitle: str) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        assert subtitle in texts(client.get(f"/api/v1/reports/seasonality.svg?{query}").data)


def test_an_empty_database_has_an_empty_frame(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, []) as client:
        assert told(client, "seasonality.json")["data"] == []
        assert "No records match" in texts(client.get("/api/v1/reports/seasonality.svg").data)


@pytest.mark.parametrize("size", [(200, 150), (320, 240), (720, 400), (1600, 900), (2400, 150), (240, 1600)])
@pytest.mark.parametrize("years", [1, 3, 12, 40, 150])
def test_however_many_years_there_are_each_month_is_drawn(size: tuple[int, int], years: int) -> None:
    months = [Month(2024 - back, 1 + month, month) for back in range(years) for month in range(12)]
    svg = seasonality(months, "Deer", WORDS, Look(*size)).svg()
    assert len(marks(svg)) == 12 * (138 if size == (200, 150) and years == 150 else years)
    assert {"2020", "2015", "2000", "2024"} & set(texts(svg))


def test_more_years_than_pixels_show_the_newest_and_count_the_others() -> None:
    months = [Month(when, 5, 1) for when in range(1000, 2025)]
    svg = seasonality(months, "Deer", WORDS, Look(320, 240)).svg()
    drawn = [mark["date"] for mark in marks(svg)]
    assert "2024-05" in drawn
    assert f"{len(months) - len(drawn)} earlier years have no room here" in texts(svg)


@pytest.mark.parametrize(
    ("weights", "keys"),
    [
        ([], ()),
        ([0, 0], ()),
        ([1, 1, 1], ("1",)),
        ([1, 4_000_000], ("1\u2013199\u2009999", "200\u2009000\u20134\u2009000\u2009000")),
        ([80, 90, 100, 110, 119, 120], ("80\u201389", "90\u201399", "100\u2013109", "110\u2013119", "120")),
        ([1, 1, 2, 4, 7, 40, 500], ("1\u20134", "5\u20139", "10\u2013199", "200\u2013500")),
        ([0.25, 0.5, 1], ("0.250\u2009+", "0.400\u2009+", "1\u2009+")),
    ],
)
def test_shades_stand_for_round_numbers(weights: list[float], keys: tuple[str, ...]) -> None:
    scale = shades(weights)
    assert scale.texts == keys
    drawn = sorted(weight for weight in weights if weight > 0)
    order = [scale.inks.index(scale.ink(weight)) for weight in drawn]
    assert order == sorted(order)
    if drawn:
        assert scale.ink(drawn[-1]) == scale.inks[-1]


def test_numbers_stand_in_the_cells_where_all_of_them_fit() -> None:
    few = [Month(2024, month, month * 11) for month in range(1, 13)]
    assert "121" in texts(seasonality(few, "Deer", WORDS, Look()).svg())
    wide = [*few, Month(2023, 1, 4_000_000)]
    assert "121" not in texts(seasonality(wide, "Deer", WORDS, Look()).svg())
