"""What is recorded here and how fresh it is: ends and sources; the totals come from ``counts``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, Connection, exists, func, select

from db.filters import Filters, Scope, conditions, data_version, last_day_of_month
from db.models import Feed, Rollup, Run, Sighting, Taxon
from db.questions.walks import day_near_the_end, days_again, scattered, terms_of_all, walks


@dataclass(frozen=True)
class Freshness:
    """The newest version and what it says of itself; dates are ISO 8601, None for an empty database."""

    version: int
    data_as_of: str | None
    ingested_at: str | None


def interval_text(first: int | None, last: int | None) -> str | None:
    """Days as Darwin Core writes eventDate: 2021, 2021-05, 2021-05-03 or 2021-05-03/2021-06-01."""
    if first is None or last is None:
        return None
    if first % 10_000 == 101 and last == first + 1130:
        return str(first // 10_000)
    if first % 100 == 1 and last == last_day_of_month(first // 100):
        return _iso(first)[:7]
    return _iso(first) if first == last else f"{_iso(first)}/{_iso(last)}"


def _iso(day: int) -> str:
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def ends(connection: Connection, scope: Scope) -> tuple[str | None, str | None]:
    """The date of the earliest and of the latest record of the scope, each as precise as it was given."""
    first, last = _outermost_days(connection, scope, (False, True))
    return _shortest(connection, scope, first), _shortest(connection, scope, last)


def latest(connection: Connection, scope: Scope) -> str | None:
    """The date of the latest record of the scope, as precise as it was given."""
    (last,) = _outermost_days(connection, scope, (True,))
    return _shortest(connection, scope, last)


def _shortest(connection: Connection, scope: Scope, day: int | None) -> str | None:
    """The shortest interval that begins on a day: a look into an index, as the days before were."""
    if day is None:
        return None
    shortest = select(func.min(Sighting.last_day)).where(*conditions(scope), Sighting.first_day == day)
    return interval_text(day, connection.execute(shortest).scalar_one())


def _outermost_days(connection: Connection, scope: Scope, sides: Sequence[bool]) -> Sequence[int | None]:
    """The earliest day (False) or the latest (True).

    By a look into an index; where records are scattered and that fails, by one at all of them.
    """
    near = scattered(scope)
    found: Sequence[int | None] = [
        _outermost_day(connection, scope, latest=late, near=near) for late in sides
    ]
    if near and None in found:
        first = Sighting.first_day
        asked = select(*(func.max(first) if late else func.min(first) for late in sides))
        found = connection.execute(asked.where(*terms_of_all(connection, scope))).one()
    return found


def _outermost_day(connection: Connection, scope: Scope, *, latest: bool, near: bool) -> int | None:
    first, (start, end) = Sighting.first_day, scope.filters.outer_days
    edge = day_near_the_end(connection, scope, latest=latest) if near else None
    if edge is not None:
        start, end = (edge, end) if latest else (start, edge)
    # The days once more, so that the index of days is entered where they begin and where they end.
    within, order = first.between(start, end), first.desc() if latest else first
    any_taxon = select(first).where(*conditions(replace(scope, taxa=None)), within).order_by(order).limit(1)
    if scope.taxa is None:
        return connection.execute(any_taxon).scalar()
    # Taxon by taxon: asked for several at once, both databases sort all records of them.
    of_each = any_taxon.where(Sighting.taxon_id == Taxon.id).scalar_subquery()
    day = func.max(of_each) if latest else func.min(of_each)
    return connection.execute(select(day).select_from(Taxon).where(Taxon.id.in_(scope.taxa))).scalar()


def freshness(connection: Connection, scope: Scope) -> Freshness:
    """Version, latest record and time of ingest of what the scope covers."""
    whole = scope.filters == Filters() and scope.as_of is None
    version = data_version(connection) if whole else scope.version
    ingested = connection.execute(select(Run.finished_at).where(Run.id == version)).scalar()
    return Freshness(version, latest(connection, scope), ingested)


def undated(connection: Connection, scope: Scope) -> int:
    """How many records of the scope have no date at all; none where dates are asked for."""
    asked = select(func.count()).select_from(Sighting)
    terms = (*conditions(scope), Sighting.first_day.is_(None), ~Sighting.absent)
    return int(connection.execute(asked.where(*terms)).scalar_one())


@dataclass(frozen=True)
class Source:
    """A feed that the scope draws on."""

    name: str
    made_up: bool


def sources(connection: Connection, scope: Scope) -> list[Source]:
    """The feeds that the scope has sightings of, by name."""
    terms = _has_any(scope)
    if scope.filters.needs_records and walks(connection, scope):
        terms = [Feed.id.in_(_walked(connection, scope))]
    asked = select(Feed.name, Feed.made_up).where(*terms).order_by(Feed.name)
    return [Source(row.name, row.made_up) for row in connection.execute(asked)]


def _walked(connection: Connection, scope: Scope) -> set[int]:
    """The feeds with a sighting, by one walk along the records that ends when all feeds were met."""
    missing = set(connection.execute(select(Feed.id).where(*_may_have_any(scope))).scalars())
    found, terms, key = set[int](), terms_of_all(connection, scope), 0
    while missing:
        next_one = select(Sighting.key, Sighting.feed_id).where(
            *terms, Sighting.key > key, (Sighting.feed_id + 0).in_(missing)
        )
        row = connection.execute(next_one.order_by(Sighting.key).limit(1)).first()
        if row is None:
            break
        key = row.key
        found.add(row.feed_id)
        missing.discard(row.feed_id)
    return found


def _has_any(scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions on a feed that has a sighting."""
    filters = scope.filters
    plain = not (filters.days or filters.years or filters.months or filters.needs_records)
    if plain and scope.revision is None:
        return _may_have_any(scope)
    within = [*conditions(scope), *days_again(scope)]
    # "+ 0" keeps SQLite from walking through a whole feed where days, taxa or places lead to a few records.
    return [*_may_have_any(scope), exists().where(Sighting.feed_id + 0 == Feed.id, *within)]


def _may_have_any(scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions on a feed: ledger and rollups tell which ones cannot have any, before any record does."""
    filters, (first, last) = scope.filters, scope.filters.outer_days
    terms: list[ColumnElement[bool]] = [] if scope.feeds is None else [Feed.id.in_(scope.feeds)]
    if scope.revision is None:
        rolled = exists().where(Rollup.feed_id == Feed.id, Rollup.bucket == 0)
        terms.append(rolled if scope.taxa is None else rolled.where(Rollup.taxon_id.in_(scope.taxa)))
    if filters.days or filters.years:
        terms.append(exists().where(Run.feed_id == Feed.id, Run.first_day <= last, Run.last_day >= first))
    return terms
