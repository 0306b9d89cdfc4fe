"""The rows about questions: each report as JSON, cold, over many sightings and over a hundredth of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from api.answering.order import Order
from api.answering.render import make
from api.asking.query import Pairs, read
from api.reports import REPORTS
from bench.ingested import generate, ingest
from bench.processes import home
from bench.row import Bench, NotMeasured, Plan, Row
from db.engine import open_reader

COLD = "cold, over many sightings against a hundredth of them"
_MOST = 1.5
_LIMIT = 5.0
"""Seconds: the default of query_time_limit."""
_ROUNDS = 7
_NEEDED = {"ratio": [("numerator", "Calus alba"), ("denominator", "Melus alba")]}
"""What a report cannot be asked without; names of the generated file."""
_FROM_RECORDS: tuple[tuple[str, Pairs], ...] = (
    ("timeline", [("interval", "hour"), ("year", "2024"), ("species", "Calus alba")]),
    ("species", [("bbox", "13.2,46.2,13.6,46.6")]),
    ("seasonality", [("locality", "P007")]),
    ("map", [("year", "2024")]),
    ("timeline", [("interval", "month"), ("asOf", "1")]),
)


def measure(plan: Plan) -> list[Row]:
    """Ask both databases in turns; then ask the large one what no rollup answers."""
    few, many = max(1_000, plan.rows // 10), plan.rows * 10
    with _database(few) as small, _database(many) as large:
        rows = [_row(name, small, large, f"{many:,} against {few:,}") for name in REPORTS]
        return rows + [_from_records(name, asked, large) for name, asked in _FROM_RECORDS if name in REPORTS]


@contextmanager
def _database(rows: int) -> Iterator[Engine]:
    with home() as folder:
        file = generate(folder, rows, times=True)
        ingest(folder, file)
        file.unlink()
        reader = _reader(folder)
        try:
            yield reader
        finally:
            reader.dispose()


def _reader(folder: Path) -> Engine:
    database = folder / "sightings.db"
    if not database.exists():
        raise NotMeasured("the ingest left no database")
    return open_reader(f"sqlite:///{database}", 60)


def _row(name: str, small: Engine, large: Engine, sizes: str) -> Row:
    asked = _NEEDED.get(name, [])
    spent: dict[Engine, list[float]] = {small: [], large: []}
    for _ in range(_ROUNDS):
        for reader, times in spent.items():
            times.append(_seconds(reader, name, asked))
    ours, theirs = median(spent[large]), median(spent[small])
    ratio = ours / theirs
    what = f"{name}, {COLD} ({sizes})"
    return Row(what, f"{ours * 1e3:.1f} ms", f"{theirs * 1e3:.1f} ms", ratio, f"{_MOST}", ratio <= _MOST)


def _from_records(name: str, asked: Pairs, large: Engine) -> Row:
    words = " ".join(f"{key}={value}" for key, value in asked)
    what = f"{name} with {words}, from the records, against the limit of a question"
    try:
        spent = _seconds(large, name, asked)
    except OperationalError as error:
        return Row(what, target="1", missing=str(error.orig))
    return Row(what, f"{spent:.2f} s", f"{_LIMIT:.0f} s", spent / _LIMIT, "1", spent <= _LIMIT)


def _seconds(reader: Engine, name: str, asked: Pairs) -> float:
    report = REPORTS[name]
    order = Order(report, "json", read(report.parameters, asked), "Sightings", ZoneInfo("UTC"))
    started = time.perf_counter()
    make(reader, order)
    return time.perf_counter() - started


BENCH = Bench("reports", "asking over many records", measure, (COLD,))
