"""Whether SQLite is to walk through all records in their order, or to go by an index; knows no question.

It keeps no statistics here and prefers any index, also where most records are wanted: then it looks each one
up at another place of the file, and sorts them all for the first page.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select
from sqlalchemy.sql.elements import Grouping
from sqlalchemy.sql.visitors import replacement_traverse

from db.filters import Scope, conditions, place_conditions
from db.models import FOREVER, Rollup, RollupOfAll, Sighting

_NAMES = ("taxon_id", "feed_id", "place_id", "first_day", "retired_run", "origin_key")
_INDEXED = {Sighting.__table__.c[name] for name in _NAMES}
_ALWAYS = {Sighting.__table__.c[name] for name in ("retired_run", "origin_key")}
_LOOK_UP = 16
"""Records that are read one after the other in the time that one takes to look up."""


def unindexed(term: ColumnElement[bool], columns: AbstractSet[Any] = _INDEXED) -> ColumnElement[bool]:
    """The same condition in words that no index understands, or none but those of other columns."""

    def plus_nothing(element: Any, **_: Any) -> Any:
        return Grouping(element + 0) if element in columns else None

    return replacement_traverse(term, {}, plus_nothing)


def all_records(connection: Connection) -> int:
    """How many records there are at all."""
    return _number(connection, select(func.sum(_BOTH)).where(RollupOfAll.bucket == 0))


_BOTH = RollupOfAll.records + RollupOfAll.absences


def _number(connection: Connection, asked: Select[Any]) -> int:
    return int(connection.execute(asked).scalar_one() or 0)


def terms_of_all(connection: Connection, scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions for whoever has to see all records of a scope: by an index only where that finds few.

    Where a place or a feed has fewer than the taxa or the days, by that: left alone, SQLite takes any other.
    """
    terms = [*conditions(scope), *days_again(scope)]
    if scope.revision is not None:
        return terms
    found = _found(connection, scope)
    fewest = min(found, key=lambda column: found[column])
    if found[fewest] * _LOOK_UP > all_records(connection):
        return [unindexed(term) for term in terms]
    kept = {Sighting.__table__.c[name] for name in fewest}
    return [unindexed(term, _INDEXED - kept - _ALWAYS) for term in terms]


def walks(connection: Connection, scope: Scope) -> bool:
    """Whether to walk through all records to see those of a scope; no index is of an older version."""
    return scope.revision is None and min(_found(connection, scope).values()) * _LOOK_UP > all_records(
        connection
    )


def days_again(scope: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of days already, in words that an index understands."""
    dated = scope.filters.days or scope.filters.years
    return [Sighting.first_day.between(*scope.filters.outer_days)] if dated else []


def _found(connection: Connection, scope: Scope) -> dict[tuple[str, ...], int]:
    """About how many records an index would lead to, by its columns."""
    found: dict[tuple[str, ...], int] = {("taxon_id", "first_day"): _rolled_up(connection, scope)}
    if scope.feeds is not None:
        whole = RollupOfAll.bucket == 0, RollupOfAll.feed_id.in_(scope.feeds)
        found["feed_id",] = _number(connection, select(func.sum(_BOTH)).where(*whole))
    of_place = place_conditions(scope.filters)
    if of_place:
        # Places are in no rollup, but their index can be counted through without a look at any record.
        most = all_records(connection) // _LOOK_UP + 1
        some = select(Sighting.place_id).where(Sighting.retired_run.is_(None), *of_place).limit(most)
        found["place_id",] = _number(connection, select(func.count()).select_from(some.subquery()))
    return found


def _rolled_up(connection: Connection, scope: Scope) -> int:
    """The records of the taxa, in the months that the days lie in."""
    of = RollupOfAll if scope.taxa is None else Rollup
    first, last = scope.filters.outer_days
    months = of.bucket.between(max(first // 100, 100_000), last // 100)
    bucket = of.bucket == 0 if (first, last) == (0, FOREVER) else months
    asked = select(func.sum(of.records + of.absences)).where(bucket)
    return _number(connection, asked if scope.taxa is None else asked.where(Rollup.taxon_id.in_(scope.taxa)))


def walks_for_some(connection: Connection, held: int, wanted: int) -> bool:
    """Whether to walk along the keys until so many of ``held`` are found, rather than to sort them all."""
    return held * held * _LOOK_UP > wanted * all_records(connection)


def scattered(scope: Scope) -> bool:
    """Whether an index of days, or of a taxon's days, may go by many records that are not meant."""
    filters = scope.filters
    return filters.needs_records or bool(filters.months) or scope.feeds is not None


def day_near_the_end(connection: Connection, scope: Scope, *, latest: bool) -> int | None:
    """The day up to which some records lie, from one end of the scope's days; None where there are no more.

    Who asks for the outermost looks no further at first: if few of all records are meant, an index of days
    would have them looked up one by one, and to see them all is faster.
    """
    day = Sighting.first_day
    within = day.between(*scope.filters.outer_days)
    asked = select(day).where(Sighting.retired_run.is_(None), within).order_by(day.desc() if latest else day)
    return connection.execute(asked.offset(_NEAR).limit(1)).scalar()


_NEAR = 5_000
