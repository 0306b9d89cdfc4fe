"""The rows about questions: each report as JSON, cold, over many sightings and over a hundredth of them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import unquote, urlencode
from zoneinfo import ZoneInfo

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

import config
from api.answering.order import Order
from api.answering.render import make
from api.asking.query import Pairs, read
from api.factory import close, create_app
from api.reports import REPORTS
from bench.ingested import generate, ingest
from bench.processes import home
from bench.row import Bench, NotMeasured, Plan, Row
from db.engine import open_reader
from db.questions.grounds import Grounds

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
    ("recent", [("bbox", "13.2,46.2,13.201,46.2003")]),
    ("timeline", [("bbox", "13.2,46.2,13.6,46.6"), ("interval", "month")]),
    ("seasonality", [("locality", "P007")]),
    ("map", [("year", "2024")]),
    ("timeline", [("interval", "month"), ("asOf", "1")]),
)


def measure(plan: Plan) -> list[Row]:
    """Ask both databases in turns; then ask the large one what no rollup answers."""
    few, many = max(1_000, plan.rows // 10), plan.rows * 10
    with _database(few) as small, _database(many) as large:
        sizes = f"{many:,} against {few:,}"
        rows = [_row(name, small, large, sizes) for name in REPORTS]
        rows += [_kept_row(what, small, large, sizes) for what in _KEPT]
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


def _kept_row(what: str, small: Engine, large: Engine, sizes: str) -> Row:
    """What costs the same however much there is: a scope's version, a 304, an answer that is kept."""
    times = [_KEPT[what](reader) for reader in (large, small)]
    ratio = times[0] / times[1]
    told = [f"{seconds * 1e3:.2f} ms" for seconds in times]
    return Row(
        f"{what}, over many sightings against a hundredth of them ({sizes})",
        *told,
        ratio,
        "1.5",
        ratio <= _MOST,
    )


def _scope(reader: Engine) -> float:
    filters = read(REPORTS["timeline"].parameters, _QUESTION).filters
    times = []
    for _ in range(10 * _ROUNDS):
        with reader.begin() as connection:
            started = time.perf_counter()
            Grounds().find(connection, filters)
            times.append(time.perf_counter() - started)
    return median(times)


def _unchanged(reader: Engine) -> float:
    return _answered(reader, conditional=True)


def _hit(reader: Engine) -> float:
    return _answered(reader, conditional=False)


def _answered(reader: Engine, *, conditional: bool) -> float:
    """By Flask, which the memory in front of it hands over to after each commit."""
    folder = Path(unquote(str(reader.url.database)).removeprefix("file:").partition("?")[0]).parent
    app = create_app(config.load({"SIGHTINGS_HOME": str(folder), "SIGHTINGS_MISSES_PER_MINUTE": "0"}, folder))
    client = app.test_client()
    url = f"/api/v1/reports/timeline.svg?{urlencode(_QUESTION)}"
    first = client.get(url)
    headers = {"If-None-Match": first.headers["ETag"]} if conditional else {}
    times = []
    for _ in range(10 * _ROUNDS):
        started = time.perf_counter()
        answer = client.get(url, headers=headers)
        times.append(time.perf_counter() - started)
        if answer.status_code != (304 if conditional else 200):
            raise NotMeasured(f"{url} answered {answer.status_code}")
    close(app)
    return median(times)


_QUESTION = [("species", "Calus alba"), ("year", "2020")]
_KEPT = {"the version of a scope": _scope, "a 304": _unchanged, "a chart that is kept": _hit}


def _from_records(name: str, asked: Pairs, large: Engine) -> Row:
    words = " ".join(f"{key}={value}" for key, value in asked)
    what = f"{name} with {words}, from the records, against the limit of a question"
    busy = time.process_time()
    try:
        spent = _seconds(large, name, asked)
    except OperationalError as error:
        return Row(what, target="1", missing=str(error.orig))
    told = f"{spent:.2f} s, {time.process_time() - busy:.2f} of the processor"
    return Row(what, told, f"{_LIMIT:.0f} s", spent / _LIMIT, "1", spent <= _LIMIT)


def _seconds(reader: Engine, name: str, asked: Pairs) -> float:
    report = REPORTS[name]
    order = Order(report, "json", read(report.parameters, asked), "Sightings", ZoneInfo("UTC"))
    started = time.perf_counter()
    make(reader, order)
    return time.perf_counter() - started


BENCH = Bench("reports", "asking over many records", measure, (COLD,))
