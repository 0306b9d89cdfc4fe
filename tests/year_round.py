"""Seeded records of some years as the sources send them, and how a test reads what became of them."""

from __future__ import annotations

import random
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from db.names import PlaceValue
from tests.seed import OSLO, Record, ingest, open_app, open_database

BERGEN = PlaceValue("NO", "Vestland", "", "Bergen")
NAMES = ("Deer", "Wolf", "Wren")
Key = Callable[[Record], Any]


def some_records(count: int = 400, seed: int = 11) -> list[Record]:
    """Days, longer intervals, bare months and years, no date; with and without a time, a count, an animal."""
    chance = random.Random(seed)
    return [_record(chance, number) for number in range(count)]


def _record(chance: random.Random, number: int) -> Record:
    day = date(2019, 1, 1) + timedelta(chance.randrange(1900))
    first = last = int(f"{day:%Y%m%d}")
    kind = chance.random()
    if kind < 0.08:
        last = int(f"{day + timedelta(chance.choice([2, 9, 50])):%Y%m%d}")
    elif kind < 0.12:
        first, last = day.year * 10_000 + 101, day.year * 10_000 + 1231
    time = chance.randrange(86_400) if chance.random() < 0.7 else None
    return Record(
        chance.choice(NAMES),
        None if kind > 0.97 else first,
        None if kind > 0.97 else last,
        chance.choice([None, 1, 1, 2, 3.5, 12, 0]),
        identifier=str(number),
        time=time,
        absent=chance.random() < 0.05,
        place=chance.choice([OSLO, BERGEN]),
    )


def grouped(records: list[Record], key: Key, measure: str) -> dict[Any, float]:
    """Plain Python's group-by: key -> records or individuals; a record whose key is None is left out."""
    sums: dict[Any, float] = {}
    for record in records:
        bucket = key(record)
        if bucket is not None:
            absent = record.absent or record.count == 0
            amount = 1 if measure == "records" or record.count is None else record.count
            sums[bucket] = sums.get(bucket, 0) + (0 if absent else amount)
    return sums


def day_of(record: Record) -> date | None:
    """The day of a record that names one."""
    if record.first is None or (record.last or record.first) != record.first:
        return None
    return as_date(record.first)


def as_date(day: int) -> date:
    return date(day // 10_000, day // 100 % 100, day % 100)


@contextmanager
def client_over(url: str, home: Path, records: list[Record], feed: str = "test") -> Iterator[FlaskClient]:
    """A client of an application over these records in this database."""
    writer = open_database(url)
    if records:
        ingest(writer, records, feed)
    app = open_app(home, database_url=url)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()
    writer.dispose()


def told(client: FlaskClient, url: str) -> Any:
    """The JSON of a report."""
    answer = client.get(f"/api/v1/reports/{url}")
    assert answer.status_code == 200, answer.text
    return answer.json


def marks(svg: bytes) -> list[dict[str, str]]:
    """The data of each mark of a picture: its attributes without the paint."""
    return [
        {name.removeprefix("data-"): text for name, text in element.attrib.items() if name[:5] == "data-"}
        for element in ET.fromstring(svg).iter()
        if "data-value" in element.attrib
    ]


def texts(svg: bytes) -> list[str]:
    """What is written on a picture."""
    return [element.text or "" for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
