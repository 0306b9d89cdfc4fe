"""Charts without a server, for the command line: a report as bytes, the chart of bears as a file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from api.animal import order as order_animal
from api.answering.order import FORMS, Behind, NothingKnown, Order
from api.answering.render import make
from api.asking.query import BadParameter, Pairs, nearest, read
from api.reports import REPORTS
from db.engine import open_reader
from db.filters import Filters, NotYet, scope

BEARS = "bears.svg"
READING = "reading"
_SECONDS = 600  # nobody waits for a page here


class NoSuchPlot(ValueError):
    """What was asked for cannot be drawn; the message says why."""


def plot(url: str, report: str, form: str, arguments: Pairs, title: str, zone: str) -> bytes:
    """A report (or ``reading``, with one species) as SVG, PNG, JSON or CSV. Raises NoSuchPlot."""
    if form not in FORMS:
        raise NoSuchPlot(f"A report is written as {', '.join(FORMS)}: end the file's name so.")
    try:
        order = _order(report, form, arguments, title, ZoneInfo(zone))
        with _reader(url) as reader:
            return make(reader, order).content
    except (BadParameter, Behind, NothingKnown, NotYet) as error:
        raise NoSuchPlot(str(error)) from None


def _order(report: str, form: str, arguments: Pairs, title: str, zone: ZoneInfo) -> Order:
    if report == READING:
        if form != "svg" or len(arguments) != 1 or arguments[0][0] != "species":
            raise NoSuchPlot("The chart of the reading is an .svg of one --species.")
        return order_animal(arguments[0][1], title, zone)
    if report not in REPORTS:
        raise NoSuchPlot(f"There is no report of this name{nearest(report, [*REPORTS, READING])}")
    return Order(REPORTS[report], form, read(REPORTS[report].parameters, arguments), title, zone)


def save_bear_chart(url: str, charts: Path) -> Path | None:
    """Draw the chart of bears from the data into the folder of charts; None where there is no bear in it."""
    with _reader(url) as reader:
        with reader.begin() as connection:
            if not scope(connection, Filters(species=("bear",))).taxa:
                return None
        path = charts / BEARS
        _save(make(reader, order_animal("bear")).content, path)
        return path


@contextmanager
def _reader(url: str) -> Iterator[Engine]:
    reader = open_reader(url, _SECONDS)
    try:
        yield reader
    finally:
        reader.dispose()


def _save(content: bytes, path: Path) -> None:
    """Write a file so that a reader finds the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
