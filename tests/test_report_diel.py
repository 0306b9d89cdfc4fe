"""The hours of the day: counted again in plain Python, and read back from the picture."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from api.draw import Look, Rhythm, Words, diel
from tests.seed import Record
from tests.year_round import client_over, grouped, marks, some_records, texts, told

RECORDS = some_records()
WORDS = Words("Individuals by hour of the day", "", "individuals", (), "Facts.")


def hour_of(record: Record) -> tuple[str, int] | None:
    if record.first is None or record.time is None:
        return None
    if record.first // 10_000 != (record.last or record.first) // 10_000:
        return None
    return record.name, record.time // 3600


def values(answer: dict[str, Any]) -> dict[tuple[str, int], float]:
    return {(row["name"], row["hour"]): row["value"] for row in answer["data"]}


@pytest.mark.parametrize("measure", ["records", "individuals"])
@pytest.mark.parametrize(
    ("query", "within"),
    [
        ("", lambda row: True),
        ("&species=deer&species=wren", lambda row: row.name in ("Deer", "Wren")),
        ("&year=2020,2021", lambda row: row.first and row.first // 10_000 in (2020, 2021)),
        ("&feed=test&year=2022&species=wolf",
         lambda row: row.name == "Wolf" and row.first and row.first // 10_000 == 2022),
        ("&eventDate=2020,*&eventDate=2019", lambda row: row.first and row.first // 10_000 >= 2019),
        ("&eventDate=2020-02-10,2021-03-07",
         lambda row: row.first and row.first >= 20200210 and (row.last or row.first) <= 20210307),
        ("&month=5", lambda row: row.first and row.first // 100 % 100 == 5
         and row.first // 100 == (row.last or row.first) // 100),
        ("&locality=Bergen", lambda row: row.place.locality == "Bergen"),
        ("&asOf=1", lambda row: True),
    ],
)  # fmt: skip
def test_each_hour_has_what_the_records_of_one_day_say(
    database_url: str, home: Path, measure: str, query: str, within: Any
) -> None:
    expected = grouped([row for row in RECORDS if within(row)], hour_of, measure)
    with client_over(database_url, home, RECORDS) as client:
        found = values(told(client, f"diel.json?measure={measure}{query}"))
    assert {key: value for key, value in found.items() if value} == pytest.approx(
        {key: value for key, value in expected.items() if value}
    )
    assert {hour for _, hour in found} == {hour for _, hour in expected}


def test_the_picture_the_table_and_the_json_hold_the_same_numbers(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, RECORDS) as client:
        for query in ("", "species=Deer"):
            rows = told(client, f"diel.json?{query}")["data"]
            svg = client.get(f"/api/v1/reports/diel.svg?{query}").data
            table = pd.read_csv(io.BytesIO(client.get(f"/api/v1/reports/diel.csv?{query}").data))
            drawn = {(mark["species"], int(mark["hour"])): float(mark["value"]) for mark in marks(svg)}
            assert drawn == {(row["name"], row["hour"]): row["value"] for row in rows}
            assert table[["hour", "name", "value"]].to_dict("records") == [
                {name: row[name] for name in ("hour", "name", "value")} for row in rows
            ]


def test_records_without_a_time_are_left_out_and_never_at_midnight(home: Path) -> None:
    records = [
        Record("Owl", 20240301, count=2, time=23 * 3600 + 3599),
        Record("Owl", 20240301, count=4),
        Record("Owl", 20241231, 20250101, count=8, time=0),
        Record("Owl", None, count=16),
    ]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "diel.json")
    assert values(answer) == {("Owl", 23): 2}
    assert answer["meta"]["leftOut"] == [
        {"individuals": 28, "reason": "They tell no time of day, or not in which year."}
    ]
    assert answer["meta"]["interval"] == "hour"


def test_an_hour_in_which_another_was_recorded_is_a_zero_and_an_hour_of_nobody_has_no_row(home: Path) -> None:
    records = [
        Record("Owl", 20240301, time=3600),
        Record("Lark", 20240301, time=5 * 3600),
        Record("Lark", 20240302, count=0, time=7 * 3600),
    ]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        assert values(told(client, "diel.json")) == {
            (name, hour): float((name, hour) in {("Owl", 1), ("Lark", 5)})
            for name in ("Lark", "Owl") for hour in (1, 5, 7)
        }  # fmt: skip
        assert values(told(client, "diel.json?species=lark")) == {("Lark", 5): 1, ("Lark", 7): 0}


def test_the_leading_species_have_rows_and_the_rest_is_told(home: Path) -> None:
    records = [Record(f"Bird {n}", 20240301, count=n, time=n * 3600) for n in range(1, 6)]
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, records) as client:
        answer = told(client, "diel.json?limit=2")
    assert list(dict.fromkeys(row["name"] for row in answer["data"])) == ["Bird 5", "Bird 4"]
    assert answer["meta"]["leftOut"] == [
        {"individuals": 6, "reason": "Only the 2 leading species have a row."}
    ]


def test_an_empty_database_has_an_empty_frame(home: Path) -> None:
    with client_over(f"sqlite:///{home / 'sightings.db'}", home, []) as client:
        assert told(client, "diel.json")["data"] == []
        assert "No records match" in texts(client.get("/api/v1/reports/diel.svg").data)


def test_the_hours_are_named_as_local_ones_and_the_rows_have_their_totals() -> None:
    many = [Rhythm("Owl", ((1, 1_200), (2, 34))), Rhythm("Lark", ((5, 7),))]
    told_of_many = texts(diel(many, WORDS, Look()).svg())
    assert {"local time", "total", "1\u2009234", "7", "00", "23", "Owl", "Lark"} <= set(told_of_many)
    one = texts(diel(many[:1], WORDS, Look()).svg())
    assert "Owl: individuals per hour of the day, local time" in one
    assert "0" in one


def test_bars_are_measured_from_zero_and_a_zero_is_a_line_on_the_ground() -> None:
    root = ET.fromstring(diel([Rhythm("Owl", ((1, 40), (2, 20), (3, 0)))], WORDS, Look()).svg())
    high = []
    for bar in root.iter("{http://www.w3.org/2000/svg}path"):
        if bar.get("data-hour"):
            ys = [float(pair.split()[1]) for pair in re.findall(r"[\d.]+ [\d.]+", bar.attrib["d"])]
            high.append(max(ys) - min(ys))
    assert high == pytest.approx([2 * high[1], high[1], 2], abs=0.2)


@pytest.mark.parametrize("size", [(200, 150), (320, 240), (720, 400), (1600, 900), (2400, 150), (240, 1600)])
def test_two_hundred_species_show_the_first_ones_and_count_the_rest(size: tuple[int, int]) -> None:
    rhythms = [Rhythm(f"A bird of a name that is long {n}", ((n % 24, 200 - n),)) for n in range(200)]
    svg = diel(rhythms, WORDS, Look(*size)).svg()
    shown = {mark["species"] for mark in marks(svg)}
    assert rhythms[0].name in shown
    more = [text for text in texts(svg) if text.startswith("and ")]
    assert more == ([f"and {200 - len(shown)} more"] if len(shown) < 200 else [])
