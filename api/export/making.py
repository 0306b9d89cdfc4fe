"""From an order of records to a finished file: ask and write, chunk by chunk. Knows no web.

A file is finished before anybody gets a byte of it: then its length is known and can be said, and no export
ends short without its reader knowing. The server ends an answer of unknown length that breaks off as if it
were complete.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from pydantic.alias_generators import to_camel
from sqlalchemy import Connection, Engine

from api.answering.order import NothingKnown, here
from api.answering.wording import nothing_known
from api.asking.occurrence_filters import WITHOUT_EFFECT, OccurrenceFilters
from api.asking.query import Pairs, read
from api.export import FORMS
from api.export.about import About
from api.export.limits import SAMPLE, Limit
from db.filters import Scope, scope
from db.questions import exported
from db.questions.basis import Basis, basis
from db.questions.occurrences import count
from db.questions.summary import ends

ROWS_IN_A_CHUNK = 2_000
_CODE = 1  # raise it whenever the same data would give other bytes

_NO_FILTERS = {"v", "asOf", *map(to_camel, WITHOUT_EFFECT)}

Progress = Callable[[int, int], None]


class ExportParameters(OccurrenceFilters):
    """What an export understands: the filters of single records, and versions."""


@dataclass(frozen=True)
class ExportOrder:
    """One export that is wanted; ``site`` is the title of the site."""

    form: str
    parameters: ExportParameters
    asked: tuple[tuple[str, str], ...]
    """The filters as they were written, in one order."""
    site: str


def order(form: str, given: Pairs, site: str) -> ExportOrder:
    """The order of an export. Raises BadParameter."""
    parameters = read(ExportParameters, given)
    asked = sorted({(name, value) for name, value in given if name not in _NO_FILTERS})
    return ExportOrder(form, parameters, tuple(asked), site)


@dataclass(frozen=True)
class Ground:
    """What an export rests on."""

    scope: Scope
    basis: Basis
    data_version: int


def survey(connection: Connection, order: ExportOrder) -> Ground:
    """What an order rests on now. Raises Behind, NotYet or NothingKnown."""
    parameters = order.parameters
    newest = here(connection, parameters.at_least)
    found = scope(connection, parameters.filters, parameters.as_of)
    unknown = nothing_known(found)
    if unknown:  # a file cannot say so, and an empty one would look like an answer
        raise NothingKnown(unknown[0])
    return Ground(found, basis(connection, found), newest if found.as_of is None else found.as_of)


def key(order: ExportOrder, ground: Ground) -> str:
    """Everything that the bytes depend on, as one text."""
    found, rests = ground.scope, ground.basis
    parts = (
        _CODE, "export", order.form, order.asked, order.site, found.version, found.as_of, found.taxa,
        found.feeds, rests.ingested_at, rests.run,
        [(source.name, source.made_up) for source in rests.sources],
    )  # fmt: skip
    return repr(parts)


@dataclass(frozen=True)
class Made:
    """What was written: the ground it was really made on, and how much it is."""

    ground: Ground
    records: int
    size: int


def make(
    reader: Engine,
    order: ExportOrder,
    file: BinaryIO,
    most_bytes: int | None = None,
    most_seconds: float | None = None,
    progress: Progress | None = None,
) -> Made:
    """Write all records of an order, as one moment has them, into an empty file.

    ``progress`` is told how many records are written, of how many. Raises TooLarge as soon as it is clear
    that there are more than ``most_bytes`` or that they take longer, and what ``survey`` raises.
    """
    with reader.begin() as connection:
        ground = survey(connection, order)
        limit = Limit(file, most_bytes, most_seconds, count(connection, ground.scope))
        about = _about(connection, order, ground, limit.records)
        if most_bytes is not None and limit.records > SAMPLE:
            sample = exported.keys(connection, ground.scope, SAMPLE)
            limit.expect(_written(connection, order, ground, about, sample))
        keys = exported.keys(connection, ground.scope)
        chunks = _chunks(connection, keys, ground.scope.as_of, limit, progress)
        FORMS[order.form].write(file, chunks, about)
    limit.refuse(file.tell())
    return Made(ground, len(keys), file.tell())


def _written(
    connection: Connection, order: ExportOrder, ground: Ground, about: About, some: exported.Keys
) -> int:
    """How many bytes some of the records are."""
    file = io.BytesIO()
    FORMS[order.form].write(file, [exported.records(connection, some, ground.scope.as_of)], about)
    return file.tell()


def _about(connection: Connection, order: ExportOrder, ground: Ground, number: int) -> About:
    first, last = ends(connection, ground.scope)
    return About(
        site=order.site,
        filters=order.asked,
        records=number,
        first=first,
        last=last,
        sources=ground.basis.sources,
        version=ground.scope.version,
        as_of=ground.scope.as_of,
        ingested_at=ground.basis.ingested_at,
    )


def _chunks(
    connection: Connection,
    keys: exported.Keys,
    as_of: int | None,
    limit: Limit,
    progress: Progress | None,
) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(keys), ROWS_IN_A_CHUNK):
        yield exported.records(connection, keys[start : start + ROWS_IN_A_CHUNK], as_of)
        done = min(start + ROWS_IN_A_CHUNK, len(keys))
        limit.look(done)
        if progress:
            progress(done, len(keys))
