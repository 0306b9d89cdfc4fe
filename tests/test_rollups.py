"""The rollups and the version of a scope: whatever comes in, both stay true."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from sqlalchemy import Engine

from db import deltas
from db.check import damage
from db.deltas import Delta
from db.engine import open_reader, open_writer
from db.filters import Filters, scope
from db.grains import CELLS, HOURS, TO_A_DAY, cell_of, iso_week
from db.models import Rollup
from db.questions.counts import per_bucket
from db.schema import upgrade
from db.undo import undo
from tests.files import Buckets, per, rows_of, version
from tests.seed import Record, ingest

NAMES = ("Lynx", "Bear", "Wolf")
FEEDS = ("north", "south")
INTERVALS = ("total", "year", "month", "week", "day")
QUESTIONS = [
    {},
    {"species": ("Lynx",)},
    {"species": ("lynx", "Bear")},
    {"species": ("Unicorn",)},
    {"feeds": ("north",)},
    {"days": ((20230101, 20231231),)},
    {"days": ((20230214, 20230301), (20231001, 20240201))},
    {"years": ((2023, 2023),)},
    {"years": ((0, 2022), (2024, 9999))},
    {"months": (1, 2)},
    {"species": ("Wolf",), "years": ((2024, 2024),), "months": (3,)},
    {"species": ("Bear",), "days": ((0, 20230630),), "feeds": ("south",)},
]


def _day(offset: int) -> int:
    day = date(2022, 12, 20) + timedelta(days=offset)
    return day.year * 10_000 + day.month * 100 + day.day


@some.composite
def _spans(draw: some.DrawFn) -> tuple[int | None, int | None]:
    kind = draw(some.sampled_from(["day"] * 4 + ["year", "month", "range", "none"]))
    start = draw(some.integers(0, 500))
    day = _day(start)
    if kind == "day":
        return day, day
    if kind == "year":
        return day // 10_000 * 10_000 + 101, day // 10_000 * 10_000 + 1231
    if kind == "month":
        first = date(day // 10_000, day // 100 % 100, 1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return day // 100 * 100 + 1, day // 100 * 100 + last.day
    return (day, _day(start + draw(some.integers(1, 40)))) if kind == "range" else (None, None)


@some.composite
def _records(draw: some.DrawFn) -> Record:
    first, last = draw(_spans())
    return Record(
        name=draw(some.sampled_from(NAMES)),
        first=first,
        last=last,
        count=draw(some.sampled_from([None, 0, 1, 2, 2.6, 1000])),
        identifier=draw(some.sampled_from([None, *"abcdef"])),
    )


_batches = some.lists(
    some.tuples(some.sampled_from(FEEDS), some.lists(_records(), min_size=1, max_size=8)),
    min_size=1,
    max_size=4,
)


@dataclass
class Model:
    """The same decisions in plain Python: per feed, identifier or content with its ordinal -> record."""

    current: dict[tuple[str, object], Record]

    def take(self, feed: str, batch: Iterable[Record]) -> None:
        ordinals: dict[Record, int] = defaultdict(int)
        for record in batch:
            ordinals[record] += 1
            key = record.identifier or (record, ordinals[record])
            self.current[feed, key] = record

    def count(self, interval: str, question: dict[str, tuple[object, ...]]) -> Buckets:
        found: Buckets = defaultdict(float)
        for (feed, _), record in self.current.items():
            bucket = _bucket(record, interval)
            if record.count != 0 and bucket is not None and _asked(record, feed, question):
                found[record.name, bucket] += 1 if record.count is None else record.count
        return {key: round(value, 6) for key, value in found.items()}


def _bucket(record: Record, interval: str) -> int | None:
    if interval == "total":
        return 0
    if record.first is None or record.last is None:
        return None
    cut = {
        "year": lambda day: day // 10_000,
        "month": lambda day: day // 100,
        "week": iso_week,
        "day": lambda day: day,
    }
    first, last = (cut[interval](day) for day in (record.first, record.last))
    return first if first == last else None


def _asked(record: Record, feed: str, question: dict[str, tuple[object, ...]]) -> bool:
    first, last = record.first, record.last
    names = [str(name).casefold() for name in question.get("species", ())]
    if (names and record.name.casefold() not in names) or feed not in question.get("feeds", (feed,)):
        return False
    spans = [
        question.get("days"),
        [(a * 10_000 + 101, b * 10_000 + 1231) for a, b in question.get("years", ())],
    ]
    for ends in filter(None, spans):
        if first is None or last is None or not any(a <= first and last <= b for a, b in ends):
            return False
    if "months" in question:
        if first is None or last is None or first // 100 != last // 100:
            return False
        return first // 100 % 100 in question["months"]
    return True


def _store(writer: Engine, feed: str, batch: list[Record]) -> int:
    return ingest(writer, [replace(one, last=one.last or one.first) for one in batch], feed)


@settings(max_examples=8, deadline=None)
@given(_batches)
def test_whatever_comes_in_the_rollups_equal_a_recount(batches: list[tuple[str, list[Record]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        writer = open_writer(f"sqlite:///{Path(folder) / 'sightings.db'}")
        upgrade(writer)
        _compare(writer, batches)
        writer.dispose()


def test_on_both_databases_the_rollups_equal_a_recount(writer: Engine) -> None:
    winter = [Record("Lynx", 20221231, identifier="a"), Record("Bear", 20230101, 20230107, 2.6, "b")]
    spring = [
        Record("Wolf", 20230101, 20231231, None, "a"),
        Record("Bear", None, count=0),
        Record("Bear", None),
    ]
    mixed = [
        Record("Lynx", 20230201, 20230228),
        Record("Lynx", 20230201, 20230228),
        Record("Wolf", 20240301, count=0),
    ]
    _compare(
        writer, [("north", winter), ("south", winter), ("north", spring), ("north", mixed), ("north", winter)]
    )


def _compare(writer: Engine, batches: list[tuple[str, list[Record]]]) -> None:
    model, answers = Model({}), {}
    reader = open_reader(writer.url.render_as_string(hide_password=False))
    for feed, batch in batches:
        run = _store(writer, feed, batch)
        model.take(feed, (replace(one, last=one.last or one.first) for one in batch))
        assert version(writer) <= run
        with writer.begin() as connection:
            assert damage(connection) == []
        for number, question in enumerate(QUESTIONS):
            found = {}
            for interval in INTERVALS:
                counted = per(reader, interval, "individuals", **question)
                found[interval] = {key: round(value, 6) for key, value in counted.items()}
                assert found[interval] == model.count(interval, question), (interval, question)
            with reader.begin() as connection:
                asked = scope(connection, Filters(**question)).version
            before = answers.get(number)
            # The version of a scope rises where its answer changes; where it stays, the answer does.
            assert before is None or before[0] != asked or before[1] == found, question
            answers[number] = (asked, found)
    reader.dispose()


def test_many_counts_are_summed_in_parts_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    days = 20240101 + random.integers(0, 28, 500)
    batches = [
        (days[n : n + 50], random.integers(1, 9, 50), random.integers(0, 3, (4, 50))) for n in range(450)
    ]

    def rows() -> list[list[float]]:
        delta = Delta()
        for first, taxa, counts in batches:
            delta.add_days(first, first, taxa, list(counts))
        return [column.tolist() for part in delta.rows() for column in part]

    whole = rows()
    monkeypatch.setattr(deltas, "_MANY", 100)
    assert rows() == whole
    assert sum(whole[2]) == sum(int(counts[0].sum()) for _, _, counts in batches)


def test_positions_and_hours_are_counted_on_both_databases(writer: Engine) -> None:
    """One sighting of each is corrected, one comes again, and some have no year, time or position."""

    def at(latitude: float | None, longitude: float | None, identifier: str, **more: Any) -> Record:
        return Record("Lynx", 20240517, latitude=latitude, longitude=longitude, identifier=identifier, **more)

    first = [
        at(59.95, 10.75, "a", time=61_200, count=3),
        at(59.9, 10.7, "b", time=64_799, count=None),
        at(-89.7, -179.9, "c", time=0, count=0),
        at(90, 180, "d", time=86_400),
        at(None, None, "e"),
        Record("Lynx", None, time=3_600, identifier="f"),
        Record("Lynx", 20231230, 20240102, time=3_600, identifier="g", latitude=-0.1, longitude=-0.1),
    ]
    again = [first[1], replace(first[0], latitude=10.0, time=None, count=2)]
    ingest(writer, first)
    assert _counted(writer, HOURS) == {
        202400017: (2, 4.0, 1, 0),
        202400000: (1, 1.0, 0, 1),
    }
    oslo, south, north, gulf = (
        cell_of(59.9, 10.7),
        cell_of(-89.65, -179.85),
        cell_of(89.95, -180),
        cell_of(-0.05, -0.05),
    )
    assert _counted(writer, CELLS) == {
        oslo: (3, 5.0, 1, 0),
        south: (0, 0.0, 0, 1),
        north: (1, 1.0, 0, 0),
        gulf: (1, 1.0, 0, 0),
    }
    run = ingest(writer, again)
    moved = cell_of(10.04, 10.75)
    assert _counted(writer, HOURS)[202400017] == (1, 1.0, 1, 0)
    assert _counted(writer, CELLS)[oslo] == (2, 2.0, 1, 0)
    assert _counted(writer, CELLS)[moved] == (1, 2.0, 0, 0)
    undo(writer, run)
    assert _counted(writer, CELLS)[oslo] == (3, 5.0, 1, 0)
    assert moved not in _counted(writer, CELLS)
    with writer.begin() as connection:
        assert damage(connection) == []
    assert per(writer, "day") == {("Lynx", 20240517): 4}


def _counted(writer: Engine, ends: tuple[int, int]) -> dict[int, tuple[float, ...]]:
    columns = (Rollup.bucket, Rollup.records, Rollup.individuals, Rollup.uncounted, Rollup.absences)
    return {
        bucket: tuple(counts) for bucket, *counts in rows_of(writer, *columns) if ends[0] <= bucket <= ends[1]
    }


def test_what_is_dated_to_a_day_is_counted_on_its_own(writer: Engine) -> None:
    vague = [Record("Lynx", 20240501, 20240502), Record("Lynx", 20240501, 20240531), Record("Lynx", None)]
    days = [Record("Lynx", 20240501, identifier="a"), Record("Lynx", 20230228, count=None), *vague]
    ingest(writer, [*days, Record("Wolf", 20240501, count=0), Record("Bear", 20231231, count=2)])
    per_taxon = (Rollup.taxon_id, Rollup.bucket, Rollup.records, Rollup.individuals, Rollup.absences)
    counted = [row[2:] for row in sorted(rows_of(writer, *per_taxon)) if row[1] == TO_A_DAY]
    assert counted == [(2, 2.0, 0), (0, 0.0, 1), (1, 2.0, 0)]
    run = ingest(writer, [Record("Lynx", 20240501, 20240503, identifier="a")])
    assert [row[2] for row in rows_of(writer, *per_taxon) if row[:2] == (1, TO_A_DAY)] == [1]
    undo(writer, run)
    assert [row[2:] for row in sorted(rows_of(writer, *per_taxon)) if row[1] == TO_A_DAY] == counted
    with writer.begin() as connection:
        assert damage(connection) == []


def test_what_a_map_may_not_show_is_in_no_cell(writer: Engine) -> None:
    ingest(writer, [Record("Lynx", 20240517, doubtful=True), Record("Lynx", 20240518)])
    assert list(_counted(writer, CELLS).values()) == [(1, 1.0, 0, 0)]


@pytest.mark.parametrize("table", ["rollup", "rollup_of_all"])
@pytest.mark.parametrize("harm", ["UPDATE {} SET records = records + 1", "DELETE FROM {}"])
def test_a_count_that_is_wrong_is_named(sqlite_writer: Engine, table: str, harm: str) -> None:
    ingest(sqlite_writer, [Record("Lynx", 20240501, count=2), Record("Wolf", 20240501, count=3)], "park")
    with sqlite_writer.begin() as connection:
        assert damage(connection) == []
        connection.exec_driver_sql(f"{harm.format(table)} WHERE bucket = 20240501")
        whose = "all taxa" if table == "rollup_of_all" else "taxon"
        assert any("20240501" in told and whose in told for told in damage(connection))


def test_all_taxa_together_are_what_they_are_apart(writer: Engine) -> None:
    ingest(writer, [Record("Lynx", 20240501, count=2), Record("Wolf", 20240501, count=None)], "park")
    ingest(writer, [Record("Lynx", 20240501, count=0), Record("Wolf", 20240502, count=7)], "field")
    for feeds in ((), ("park",), ("park", "field")):
        with writer.connect() as connection:
            within = scope(connection, Filters(feeds=feeds))
            apart = per_bucket(connection, within, "day")
            together = {
                count.bucket: count[2:] for count in per_bucket(connection, within, "day", apart=False)
            }
        days = {count.bucket for count in apart}
        sums = {
            day: tuple(map(sum, zip(*(count[2:] for count in apart if count.bucket == day), strict=True)))
            for day in days
        }
        assert together == sums
