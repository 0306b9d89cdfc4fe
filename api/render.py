"""From an order to bytes: survey what it rests on, ask, shape, draw. Knows no HTTP, no cache and no server."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from api.buckets import under_way
from api.draw import RENDERER, Look
from api.parameters import Pairs, ReportParameters, read
from api.reports import REPORTS
from api.reports.report import Report
from api.tables import csv_bytes, json_bytes
from api.wording import caption, describe
from db.filters import Scope, data_version, scope
from db.questions.basis import Basis, basis
from db.questions.summary import ends

FORMS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
"""The four answers and their media types."""

_CODE = 1  # raise it whenever the same data would give other rows or other words


class Behind(Exception):
    """A version is asked for ("at least") that is not here yet."""


class NothingKnown(Exception):
    """A name that has to be known here is not."""


@dataclass(frozen=True)
class Order:
    """One answer that is wanted; ``title`` and ``zone`` are the site's."""

    report: Report[Any, Any]
    form: str
    parameters: ReportParameters
    title: str
    zone: ZoneInfo
    known: bool = False
    """Whether a name that nothing goes by is refused; otherwise it is told in the answer."""


@dataclass(frozen=True)
class Ground:
    """What an answer rests on, all of it read in one transaction."""

    scope: Scope
    basis: Basis
    data_version: int
    open_bucket: int | None


@dataclass(frozen=True)
class Made:
    """Finished bytes, and the key of the ground that they were really made on."""

    key: str
    content: bytes
    data_version: int


def survey(connection: Connection, order: Order) -> Ground:
    """What an order rests on now. Raises Behind, NotYet or NothingKnown."""
    parameters, newest = order.parameters, data_version(connection)
    if (parameters.at_least or 0) > newest:
        raise Behind(f"Version {parameters.at_least} is not here yet; the newest is {newest}.")
    found = scope(connection, parameters.filters, parameters.as_of)
    if order.known and found.unknown:
        raise NothingKnown("Nothing here is known by this name.")
    rests = basis(connection, found)
    moment = datetime.fromisoformat(rests.seen_at) if rests.seen_at else datetime.now(UTC)
    interval = getattr(parameters, "interval", None)
    open_bucket = under_way(moment.astimezone(order.zone), interval, parameters.filters)
    return Ground(found, rests, newest, open_bucket)


def key(order: Order, ground: Ground) -> str:
    """Everything that the bytes depend on, as one text."""
    found, rests = ground.scope, ground.basis
    parts = (
        _CODE, RENDERER, order.report.name, order.form, order.parameters.canonical(order.form), order.title,
        str(order.zone), found.version, found.as_of, found.taxa, found.feeds, found.unknown, rests.ingested_at,
        rests.run, [(source.name, source.made_up) for source in rests.sources], rests.names, ground.open_bucket,
    )  # fmt: skip
    return repr(parts)


def make(reader: Engine, order: Order) -> Made:
    """Ask, shape and draw. What is asked and the key of it come from one transaction, which is over before the drawing."""
    report, parameters = order.report, order.parameters
    with reader.begin() as connection:
        ground = survey(connection, order)
        found = report.ask(connection, ground.scope, parameters)
        latest = ends(connection, ground.scope)[1]
    tidy = report.shape(found, parameters, ground.open_bucket)
    version, unknown = ground.scope.version, ground.scope.unknown
    meta = describe(report, parameters, tidy, version, latest, str(order.zone), ground.basis, unknown)
    if order.form == "json":
        content = json_bytes({"meta": meta, "data": tidy.rows})
    elif order.form == "csv":
        content = csv_bytes(tidy.columns, tidy.rows)
    else:
        words = caption(report, parameters, tidy, meta, order.title)
        picture = report.draw(tidy, parameters, words, Look(parameters.width, parameters.height, parameters.theme))
        content = picture.svg() if order.form == "svg" else picture.png(parameters.scale)
    return Made(key(order, ground), content, ground.data_version)


def answer(reader: Engine, report: str, form: str, arguments: Pairs, title: str, zone: ZoneInfo) -> bytes:
    """A report as SVG, PNG, JSON or CSV without a server. Raises KeyError for an unknown report, else BadParameter,
    Behind and NotYet.
    """
    catalogued = REPORTS[report]
    return make(reader, Order(catalogued, form, read(catalogued.parameters, arguments), title, zone)).content


def save(content: bytes, path: Path) -> None:
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
