"""One answer that is wanted, and what it rests on: its version, its key. Knows no HTTP and no cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from api.asking.parameters import ReportParameters
from api.draw import RENDERER
from api.reports.buckets import under_way
from api.reports.report import Report
from api.speech import _, digest
from db.file import Mark, file_of
from db.filters import Scope, data_version, taxa_named
from db.questions.basis import Basis
from db.questions.grounds import Grounds

FORMS = {
    "svg": "image/svg+xml",
    "png": "image/png",
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
}
"""The four answers and their media types."""
DRAWN = ("svg", "png")
"""Those that are charts."""

_CODE = 5  # raise it whenever the same data would give other rows or other words


class Behind(Exception):
    """A version is asked for ("at least") that is not here yet."""


class NothingKnown(Exception):
    """A name that has to be known here is not; says which parameter brought it, if one did."""

    def __init__(self, sentence: str, parameter: str | None = None) -> None:
        super().__init__(sentence)
        self.parameter = parameter


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
    grounds: Grounds = field(default_factory=Grounds, compare=False, repr=False)
    """The site's, which knows what others have asked for."""

    @property
    def language(self) -> str:
        """What a picture speaks; empty for data, which programs read."""
        return self.parameters.lang if self.form in DRAWN else ""


@dataclass(frozen=True)
class Ground:
    """What an answer rests on, all of it read in one transaction."""

    scope: Scope
    basis: Basis
    data_version: int
    """The newest; where one is asked for, that."""
    newest: int
    open_bucket: int | None
    file: Mark | None
    """Which database it is, where that is a file: another one may lie there later."""


def here(connection: Connection, at_least: int | None) -> int:
    """The data version. Raises Behind where a later one is asked for."""
    newest = data_version(connection)
    if (at_least or 0) > newest:
        raise Behind(
            _("Version %(number)s is not here yet; the newest is %(newest)s.", number=at_least, newest=newest)
        )
    return newest


def survey(connection: Connection, order: Order) -> Ground:
    """What an order rests on now. Raises Behind, NotYet or NothingKnown."""
    parameters = order.parameters
    newest = here(connection, parameters.at_least)
    found, rests = order.grounds.find(connection, parameters.filters, parameters.as_of)
    if order.known and found.unknown:
        raise NothingKnown(_("Nothing here is known by this name."))
    for parameter, name in parameters.demanded:
        if not taxa_named(connection, name, found.as_of):
            raise NothingKnown(_("Nothing here is known by the name %(name)s.", name=name), parameter)
    pinned = newest if found.as_of is None else found.as_of
    return Ground(found, rests, pinned, newest, _open_bucket(order, found, rests), file_of(connection))


def _open_bucket(order: Order, found: Scope, rests: Basis) -> int | None:
    """The bucket that today lies in; as of a data version it is the day that made it, for ever."""
    if found.as_of is None:
        moment = datetime.now(UTC)
    elif rests.made_at is None:  # as of the empty database
        return None
    else:
        moment = datetime.fromisoformat(rests.made_at)
    interval = getattr(order.parameters, "interval", None)
    return under_way(moment.astimezone(order.zone), interval, order.parameters.filters)


def key(order: Order, ground: Ground) -> str:
    """Everything that the bytes depend on, as one text."""
    found, rests = ground.scope, ground.basis
    parts = (
        _CODE, RENDERER, order.report.name, order.form, order.parameters.canonical(order.form), order.title,
        str(order.zone), found.version, found.as_of, found.taxa, found.feeds, found.unknown,
        found.unknown_keys,
        rests.ingested_at, rests.run, [(source.name, source.made_up) for source in rests.sources],
        ground.open_bucket, *filter(None, [digest(order.language)]),
    )  # fmt: skip
    return repr(parts)
