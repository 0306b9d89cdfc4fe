"""The made-up records as feeds: put in, kept growing, taken back, never among real ones; draws no records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from db.engine import LOOK
from db.filters import Filters, scope
from db.lock import only_ingester
from db.questions.ledger import last_runs
from db.questions.summary import sources
from db.store import remove_feed
from ingest import demo
from ingest.outcome import Options, Outcome
from ingest.run import ingest
from ingest.sources.source import of_file


@dataclass(frozen=True)
class Done:
    """What was done about the made-up records."""

    told: str
    """One sentence for people."""
    runs: list[dict[str, Any]]
    may_grow: bool = True
    """Whether more of them may come."""


def add(writer: Engine, folder: Path) -> Done:
    """Write the records as files into the folder and ingest them the ordinary way.

    Nothing is done where there are real records, or where today's are in already. Raises db.lock.Locked.
    """
    with _looking(writer) as connection:
        if any(not source.made_up for source in sources(connection, scope(connection, Filters()))):
            return Done("There are real records here; no made-up ones are put among them.", [], False)
        if _is_fresh(connection):
            return Done("The made-up records are there; take them back with: manage.py demo --remove", [])
    reading, year = folder / "reading.csv", folder / "year.csv"
    demo.write_reading(reading)
    demo.write_year(year, date.today() - timedelta(days=1))  # noqa: DTZ011 - a day of this machine's calendar
    outcomes = _ingest(writer, demo.READING_FEED, reading) + _ingest(writer, demo.YEAR_FEED, year)
    added = sum(one.tally.inserted for one in outcomes)
    told = f"{added:,} made-up records were added; take them back with: manage.py demo --remove"
    return Done(told, [one.as_json() for one in outcomes])


def keep_adding(writer: Engine, folder: Path, zone: str, every: float) -> Iterator[Outcome]:
    """A few records of this minute, again and again; ``every`` is in seconds. Raises db.lock.Locked."""
    while True:
        demo.write_live(folder / "live.csv", datetime.now(ZoneInfo(zone)))
        yield from _ingest(writer, demo.YEAR_FEED, folder / "live.csv")
        time.sleep(every)


def remove(writer: Engine) -> Done:
    """Take every made-up record back. Raises db.lock.Locked."""
    with only_ingester(writer):
        with _looking(writer) as connection:
            filled = sources(connection, scope(connection, Filters()))
        invented = {source.name for source in filled if source.made_up}
        runs = [remove_feed(writer, feed, made_up=True) for feed in demo.FEEDS if feed in invented]
    return Done(f"{sum(run['removed'] for run in runs):,} made-up records were taken back.", runs, False)


def _looking(writer: Engine) -> Connection:
    return writer.connect().execution_options(**LOOK)


def _is_fresh(connection: Connection) -> bool:
    """Whether today's records are in already: a second start has nothing to wait for."""
    last = last_runs(connection).get(demo.YEAR_FEED)
    today = datetime.now(UTC).date().isoformat()
    return last is not None and last["format"] != "removal" and last["finishedAt"].startswith(today)


def _ingest(writer: Engine, feed: str, file: Path) -> list[Outcome]:
    return ingest(writer, [of_file(file)], Options(feed=feed, made_up=True))
