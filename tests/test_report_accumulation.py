"""Species over time: the numbers beside sets of our own, what a species is, the steps and their names."""

from __future__ import annotations

import io
import random
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Engine, event

from db.engine import LOOK
from db.filters import Filters, scope
from db.names import PlaceValue
from db.questions.ends import ends_per_taxon
from tests.seed import Record, ingest, open_app, open_database

SVG = "{http://www.w3.org/2000/svg}"
BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")


def latin(name: str, first: int | None, last: int | None = None, **more: Any) -> Record:
    genus = name.split()[0] if " " in name else ""
    return Record(name, first, last, scientific=name, genus=genus, **more)


def some_records() -> list[Record]:
    """Sixty species over four years, some dates a month or a year, some absences, some elsewhere."""
    chance = random.Random(11)
    rows = []
    for _ in range(500):
        day = date(2019, 12, 20) + timedelta(chance.randrange(1400))
        written = day.year * 10_000 + day.month * 100 + day.day
        first, last = chance.choices(
            [(written, written), (written // 100 * 100 + 1, written // 100 * 100 + 28),
             (day.year * 10_000 + 101, day.year * 10_000 + 1231), (None, None)],
            [20, 2, 2, 1],
        )[0]  # fmt: skip
        kind = min(59, int(chance.expovariate(0.07)))
        place = BERGEN if chance.random() < 0.3 else PlaceValue("SE")
        count = chance.choice([0, 1, 1, None, 4])
        rows.append(Record(f"Kind {kind}", first, last, count, place=place))
    return rows


RECORDS = some_records()


def last(row: Record) -> int:
    return row.last or row.first or 0


def in_months(row: Record, start: int, end: int) -> bool:
    first = row.first or 0
    return first // 100 == last(row) // 100 and start <= first // 100 % 100 <= end


@pytest.fixture
def either(database_url: str, home: Path) -> Iterator[FlaskClient]:
    """The records over each kind of database."""
    yield from clients(database_url, home, RECORDS)


def clients(url: str, home: Path, records: list[Record]) -> Iterator[FlaskClient]:
    writer = open_database(url)
    ingest(writer, records, feed="station")
    app = open_app(home, database_url=url)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


@pytest.fixture
def client_of(home: Path) -> Iterator[Any]:
    """A client over these records."""
    open_ones: list[Any] = []

    def make(*records: Record) -> FlaskClient:
        one = clients(f"sqlite:///{home / 'sightings.db'}", home, list(records))
        open_ones.append(one)
        return next(one)

    yield make
    for one in open_ones:
        next(one, None)


def told(client: FlaskClient, query: str) -> dict[str, Any]:
    answer = client.get(f"/api/v1/reports/accumulation.json?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json
    return found


def bucket(row: Record, interval: str) -> str | int | None:
    """The label of the bucket that holds the whole date."""
    if row.first is None:
        return None
    ends = [date(day // 10_000, day // 100 % 100, day % 100) for day in (row.first, row.last or row.first)]
    labels = {
        "year": [one.year for one in ends],
        "month": [one.isoformat()[:7] for one in ends],
        "week": [f"{one.isocalendar().year}-W{one.isocalendar().week:02}" for one in ends],
        "day": [one.isoformat() for one in ends],
    }[interval]
    return labels[0] if labels[0] == labels[1] else None


def by_sets(records: list[Record], interval: str) -> tuple[list[tuple[Any, int, int, str | None]], int]:
    """(date, value, new, names) of each row, and how many species have no place."""
    present = [row for row in records if row.count != 0]
    held = [(bucket(row, interval), row.name) for row in present]
    firsts: dict[str, Any] = {}
    for when, name in held:
        if when is not None:
            firsts[name] = min(when, firsts.get(name, when))
    latest = max(when for when, _ in held if when is not None)
    rows, total = [], 0
    for when in sorted({*firsts.values(), latest}):
        names = sorted(name for name, first in firsts.items() if first == when)
        total += len(names)
        rows.append((when, total, len(names), "; ".join(names[:20]) or None))
    return rows, len({row.name for row in present} - firsts.keys())


@pytest.mark.parametrize("interval", ["year", "month", "week", "day"])
@pytest.mark.parametrize(
    ("query", "kept"),
    [("", lambda row: True),
     ("country=NO", lambda row: row.place == BERGEN),
     ("asOf=1", lambda row: True),
     ("eventDate=2020-03,2022-02", lambda row: row.first and row.first >= 20200301 and last(row) <= 20220228),
     ("month=4,6", lambda row: in_months(row, 4, 6))],
    ids=["all", "country", "asOf", "days", "months"],
)  # fmt: skip
def test_the_number_grows_as_a_set_of_names_does(
    either: FlaskClient, interval: str, query: str, kept: Any
) -> None:
    answer = told(either, f"interval={interval}&{query}")
    rows = [(row["date"], row["value"], row["new"], row["names"]) for row in answer["data"]]
    expected, vague = by_sets([row for row in RECORDS if kept(row)], interval)
    assert rows == expected
    assert [left["species"] for left in answer["meta"]["leftOut"]] == ([vague] if vague else [])
    assert answer["meta"]["species"] == expected[-1][1]
    assert (answer["meta"]["measure"], answer["meta"]["unit"]) == ("species", "species")


def test_a_feed_has_its_own_firsts(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, [Record("Otter", 20200101), Record("Lynx", 20210101)], feed="old")
    ingest(writer, [Record("Otter", 20220101), Record("Lynx", 20230101, count=0)], feed="new")
    client = open_app(home).test_client()
    assert [(row["date"], row["names"]) for row in told(client, "feed=new")["data"]] == [(2022, "Otter")]
    assert [(row["date"], row["names"]) for row in told(client, "")["data"]] == [
        (2020, "Otter"), (2021, "Lynx"), (2022, None),
    ]  # fmt: skip
    assert [row["value"] for row in told(client, "species=otter")["data"]] == [1, 1]


def test_a_subspecies_is_no_further_species(client_of: Any) -> None:
    client = client_of(
        latin("Canis lupus signatus", 20100101), latin("Canis lupus", 20110101),
        latin("Canis lupus arctos", 20120101), latin("Canis aureus", 20130101),
    )  # fmt: skip
    answer = told(client, "")
    assert [(row["date"], row["value"], row["names"]) for row in answer["data"]] == [
        (2010, 1, "Canis lupus"), (2013, 2, "Canis aureus"),
    ]  # fmt: skip
    assert answer["meta"]["leftOut"] == []


def test_a_higher_taxon_counts_only_where_no_species_of_it_does(client_of: Any) -> None:
    client = client_of(
        latin("Bombus", 20100101), latin("Bombus sp.", 20100201), latin("Bombus terrestris", 20120101),
        latin("Myotis", 20130101), latin("Myotis sp.", 20140101), Record("Deer", 20150101),
    )  # fmt: skip
    answer = told(client, "")
    assert [(row["date"], row["value"], row["names"]) for row in answer["data"]] == [
        (2012, 1, "Bombus terrestris"), (2013, 2, "Myotis"), (2015, 3, "Deer"),
    ]  # fmt: skip
    assert answer["meta"]["leftOut"] == [
        {"taxa": 2, "reason": "A genus or family does not count beside a species of its own."}
    ]


def test_a_date_that_is_not_precise_enough_is_told(client_of: Any) -> None:
    client = client_of(
        Record("Otter", 20100101, 20101231), Record("Otter", 20120305), Record("Lynx", None),
        Record("Wolf", 20110101, 20111231), Record("Bear", 20130101, 20131231), Record("Bear", 20130405),
    )  # fmt: skip
    answer = told(client, "interval=month")
    assert [(row["date"], row["names"]) for row in answer["data"]] == [
        ("2012-03", "Otter"),
        ("2013-04", "Bear"),
    ]
    assert answer["meta"]["leftOut"] == [
        {"species": 2, "reason": "Their dates are missing or not precise enough for one month."}
    ]
    assert answer["meta"]["warnings"] == ["1 species has an earlier record that is not dated to one month."]
    assert told(client, "interval=month&year=2011")["meta"]["leftOut"][0]["species"] == 1
    assert [row["value"] for row in told(client, "interval=year")["data"]] == [1, 2, 3]


def test_names_have_a_limit_and_the_count_has_none(client_of: Any) -> None:
    client = client_of(*(Record(f"Kind {number:02}", 20200101) for number in range(30)))
    [row] = told(client, "limit=2")["data"]
    assert (row["new"], row["names"]) == (30, "Kind 00; Kind 01")


@time_machine.travel("2022-06-15T12:00:00Z", tick=False)
def test_the_bucket_under_way_is_partial(client_of: Any) -> None:
    client = client_of(Record("Otter", 20200101), Record("Lynx", 20220301))
    assert [row["partial"] for row in told(client, "")["data"]] == [False, True]
    picture = ET.fromstring(client.get("/api/v1/reports/accumulation.svg").data)
    [open_one] = [mark for mark in picture.iter() if mark.get("data-partial")]
    assert open_one.get("data-date") == "2022"


@pytest.mark.parametrize(
    "query", ["interval=year", "interval=month", "interval=week", "interval=day&limit=1"]
)
def test_four_answers_hold_the_same_numbers(client_of: Any, query: str) -> None:
    client = client_of(*RECORDS)
    data = told(client, query)["data"]
    frame = pd.read_csv(io.BytesIO(client.get(f"/api/v1/reports/accumulation.csv?{query}").data))
    assert frame.astype(object).where(frame.notna(), None).to_dict("records") == data
    picture = ET.fromstring(client.get(f"/api/v1/reports/accumulation.svg?{query}").data)
    marks = [
        (mark.get("data-date"), mark.get("data-value"), mark.get("data-new"), mark.get("data-names"))
        for mark in picture.iter()
        if mark.get("data-value")
    ]
    drawn = [(str(row["date"]), str(row["value"]), str(row["new"]), row["names"]) for row in data]
    assert sorted(marks, key=str) == sorted(drawn, key=str)
    assert client.get(f"/api/v1/reports/accumulation.png?{query}").data.startswith(b"\x89PNG")


def test_the_newest_are_named_beside_the_line_or_above_it(client_of: Any) -> None:
    client = client_of(Record("Otter", 20200101), Record("Lynx", 20210301), Record("Wolf", 20240101))
    for look in ("", "width=320&height=240"):
        picture = ET.fromstring(client.get(f"/api/v1/reports/accumulation.svg?{look}").data)
        said = " | ".join(element.text or "" for element in picture.iter(f"{SVG}text"))
        assert said.index("Wolf") < said.index("Lynx")
        assert ("3 species" in said) == (look == "")
        assert "3 species by 2024; the newest in 2024: Wolf" in (picture.findtext(f"{SVG}desc") or "")


def test_the_line_is_made_of_steps(client_of: Any) -> None:
    client = client_of(Record("Otter", 20200101), Record("Lynx", 20210301), Record("Wolf", 20240101))
    picture = ET.fromstring(client.get("/api/v1/reports/accumulation.svg").data)
    group = next(one for one in picture.iter(f"{SVG}g") if one.get("class") == "series")
    line = group.find(f"{SVG}path")
    assert line is not None
    corners = [tuple(map(float, pair)) for pair in _pairs(line.attrib["d"])]
    assert len(corners) == 5
    assert all(a[0] == b[0] or a[1] == b[1] for a, b in pairwise(corners))


def _pairs(path: str) -> Iterator[list[str]]:
    words = path.replace("M", " ").replace("L", " ").split()
    return ([words[index], words[index + 1]] for index in range(0, len(words), 2))


def test_the_hour_is_no_interval_of_it_and_nothing_is_an_empty_frame(client_of: Any) -> None:
    client = client_of(Record("Otter", 20200101))
    assert client.get("/api/v1/reports/accumulation.json?interval=hour").json["parameter"] == "interval"
    assert told(client, "species=unicorn")["data"] == []
    assert "No records match" in client.get("/api/v1/reports/accumulation.svg?species=unicorn").text


def test_first_buckets_are_looked_up_in_an_index_and_not_read_through(sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, RECORDS)
    asked: list[Any] = []
    event.listen(sqlite_writer, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    with sqlite_writer.connect().execution_options(**LOOK) as connection:
        ends_per_taxon(connection, scope(connection, Filters()), "day")
        statement, values = asked[-1]
        plan = [row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    looks = [step for step in plan if "ix_rollup_taxon (taxon_id=? AND bucket>? AND bucket<?)" in step]
    assert len(looks) == 2
    assert not [step for step in plan if step.startswith("SCAN rollup") or "ORDER BY" in step], plan
