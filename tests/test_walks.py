"""By an index, by a walk through all records, or first by one and then the other: the answer is the same."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from db.filters import Filters, Scope, scope
from db.models import Sighting
from db.names import PlaceValue
from db.questions import counts, walks
from db.questions.cells import cells
from db.questions.recent import latest
from db.questions.summary import ends, sources
from tests.seed import OSLO, Record, ingest

BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
FEEDS = ("north", "south", "west")


def some_records(seed: int) -> list[Record]:
    """A hundred records over two years, in two places, some without coordinates, and one far away."""
    chance = random.Random(seed)
    found = [Record("Lynx", 20240229, time=3_600, identifier="far", latitude=-40.0, longitude=-170.0)]
    for number in range(99):
        day = date(2023, 1, 1) + timedelta(chance.randrange(700))
        written = day.year * 10_000 + day.month * 100 + day.day
        first = chance.choice([written, written, written, written, None])
        found.append(
            Record(
                chance.choice(("Lynx", "Wolf", "Bear")),
                first,
                count=chance.choice((0, 1, 2, None)),
                time=chance.choice((None, number * 60)) if first else None,
                identifier=f"{seed}-{number}",
                place=chance.choice((OSLO, BERGEN)),
                basis=chance.choice(("HUMAN_OBSERVATION", "MACHINE_OBSERVATION")),
                latitude=chance.choice((None, 59.9, 60.1, 60.4)),
                longitude=10.7 + chance.randrange(9) / 10,
                doubtful=chance.random() < 0.1,
            )
        )
    return found


RECORDS = {feed: some_records(seed)[feed != "west" :] for seed, feed in enumerate(FEEDS)}
"""Only the west has what is far away."""


def in_box(west: float, south: float, east: float, north: float) -> Callable[[Record], bool]:
    def holds(one: Record) -> bool:
        if one.latitude is None or one.longitude is None or one.doubtful:
            return False
        return south <= one.latitude <= north and west <= one.longitude <= east

    return holds


Held = Callable[[Record], bool]
QUESTIONS: dict[str, tuple[dict[str, Any], Held]] = {
    "most": ({"bbox": (10.0, 59.0, 12.0, 61.0)}, in_box(10, 59, 12, 61)),
    "some": ({"bbox": (10.8, 60.0, 11.0, 60.2)}, in_box(10.8, 60, 11, 60.2)),
    "one": ({"bbox": (-171.0, -41.0, -169.0, -39.0)}, in_box(-171, -41, -169, -39)),
    "none": ({"bbox": (30.0, 30.0, 31.0, 31.0)}, in_box(30, 30, 31, 31)),
    "place": ({"localities": ("Bergen",)}, lambda one: one.place == BERGEN),
    "basis": (
        {"bases_of_record": ("MACHINE_OBSERVATION",), "species": ("Wolf", "Bear")},
        lambda one: one.basis == "MACHINE_OBSERVATION" and one.name != "Lynx",
    ),
    "year": (
        {"years": ((2024, 2024),), "bbox": (10.0, 59.0, 11.2, 60.2)},
        lambda one: in_box(10, 59, 11.2, 60.2)(one) and (one.first or 0) // 10_000 == 2024,
    ),
    "feed": (
        {"feeds": ("north",), "species": ("Lynx",)},
        lambda one: (one.identifier or "").startswith("0-") and one.name == "Lynx",
    ),
    "months": ({"months": (2,)}, lambda one: one.first is not None and one.first // 100 % 100 == 2),
}


Way = Callable[[pytest.MonkeyPatch], None]
WAYS: dict[str, Way] = {
    "as they are": lambda _: None,
    "never walking": lambda patch: patch.setattr(walks, "all_records", lambda _: 10**9),
    "always walking": lambda patch: patch.setattr(walks, "_LOOK_UP", 10**6),
    "looking near at first": lambda patch: patch.setattr(walks, "_NEAR", 3),
}


def held(wanted: Held) -> Iterator[tuple[str, Record]]:
    return ((feed, one) for feed, rows in RECORDS.items() for one in rows if wanted(one))


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_however_records_are_found_they_are_the_same(
    way: Way, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for feed, rows in RECORDS.items():
        ingest(writer, rows, feed)
    way(monkeypatch)
    with writer.begin() as connection:
        for name, (asked, wanted) in QUESTIONS.items():
            _compare(connection, name, scope(connection, Filters(**asked)), list(held(wanted)))


def _compare(connection: Connection, name: str, within: Scope, every: list[tuple[str, Record]]) -> None:
    seen = [one for _, one in every if one.count != 0]
    totals = counts.totals(connection, within)
    labels = counts.labels(connection, [one.taxon_id for one in totals], None)
    told = {labels[one.taxon_id].name: one.records for one in totals if one.records}
    assert told == Counter(one.name for one in seen), name
    days = [date.fromisoformat(str(one.first)).isoformat() for _, one in every if one.first]
    assert ends(connection, within) == (min(days, default=None), max(days, default=None)), name
    assert [source.name for source in sources(connection, within)] == sorted({feed for feed, _ in every}), (
        name
    )
    dated = sorted(
        ((one.first, -1 if one.time is None else one.time) for one in seen if one.first), reverse=True
    )
    for limit in (2, 200):
        assert [_when(row) for row in latest(connection, within, limit)] == dated[:limit], name
    shown = sum(one.records for one in cells(connection, within).counts.values())
    assert shown == sum(one.latitude is not None and not one.doubtful for one in seen), name


def _when(row: dict[str, Any]) -> tuple[int, int]:
    hours, minutes, seconds = map(int, (row["eventTime"] or "0:0:-1").split(":"))
    return int(row["eventDate"].replace("-", "")), hours * 3600 + minutes * 60 + seconds


def test_an_index_is_left_alone_where_it_finds_much(sqlite_writer: Engine) -> None:
    """Over a sixteenth of all records, one after the other; a single day of a rare species, by the index."""
    ingest(sqlite_writer, [Record("Lynx", 20240101 + n % 28, identifier=str(n)) for n in range(400)])
    ingest(sqlite_writer, [Record("Wolf", 20230101, identifier="w", place=BERGEN)], "south")
    assert "SCAN sighting" in _plan(sqlite_writer, species=("Lynx",), bbox=(0.0, 0.0, 20.0, 70.0))
    assert "SCAN sighting" in _plan(sqlite_writer, bbox=(0.0, 0.0, 20.0, 70.0))
    assert "SCAN sighting" in _plan(sqlite_writer, localities=("Oslo",))
    assert "ix_sighting_taxon" in _plan(sqlite_writer, species=("Wolf",), bbox=(0.0, 0.0, 20.0, 70.0))
    assert "ix_sighting_place" in _plan(sqlite_writer, localities=("Bergen",))
    # A few records of a place, before the many of a taxon or of days.
    assert "ix_sighting_place" in _plan(sqlite_writer, localities=("Bergen",), species=("Lynx",))
    assert "ix_sighting_place" in _plan(sqlite_writer, localities=("Bergen",), days=((20230101, 20241231),))
    # And of a feed.
    assert "uq_sighting_current" in _plan(sqlite_writer, feeds=("south",), bbox=(0.0, 0.0, 20.0, 70.0))
    assert "uq_sighting_current" in _plan(sqlite_writer, feeds=("south",), localities=("Oslo", "Bergen"))
    assert "SCAN sighting" in _plan(sqlite_writer, feeds=("test",), bbox=(0.0, 0.0, 20.0, 70.0))
    assert "ix_sighting_day" in _plan(
        sqlite_writer, days=((20230101, 20230131),), bbox=(0.0, 0.0, 20.0, 70.0)
    )


def _plan(writer: Engine, **filters: Any) -> str:
    """How SQLite goes about the totals."""
    sent: list[tuple[str, Any]] = []
    with writer.begin() as connection:
        within = scope(connection, Filters(**filters))
        event.listen(connection, "before_cursor_execute", lambda *told: sent.append((told[2], told[3])))
        counts.totals(connection, within)
        statement, values = next(one for one in reversed(sent) if Sighting.__tablename__ in one[0])
        return " ".join(
            row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        )
