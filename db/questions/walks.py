"""Whether SQLite is to walk through all records in their order, or to go by an index; knows no question.

It keeps no statistics here and prefers any index, also where most records are wanted: then it looks each one
up at another place of the file, and sorts them all for the first page.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.visitors import replacement_traverse

from db.models import Rollup, Sighting

_NAMES = ("taxon_id", "feed_id", "place_id", "first_day", "retired_run", "origin_key")
_INDEXED = {Sighting.__table__.c[name] for name in _NAMES}
_LOOK_UP = 10
"""Records that are read one after the other in the time that one takes to look up."""


def unindexed(term: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition in words that no index understands."""

    def plus_nothing(element: Any, **_: Any) -> Any:
        return Grouping(element + 0) if element in _INDEXED else None

    return replacement_traverse(term, {}, plus_nothing)


def all_records(connection: Connection) -> int:
    """How many records there are at all."""
    each = select(func.coalesce(func.sum(Rollup.records + Rollup.absences), 0)).where(Rollup.bucket == 0)
    return int(connection.execute(each).scalar_one())


def walks_for_all(connection: Connection, held: int) -> bool:
    """Whether to walk in order to see all of ``held`` records."""
    return held * _LOOK_UP > all_records(connection)


def walks_for_some(connection: Connection, held: int, wanted: int) -> bool:
    """Whether to walk along the keys until so many of ``held`` are found, rather than to sort them all."""
    return held * held * _LOOK_UP > wanted * all_records(connection)
