"""What is recorded here and how fresh it is: ends and sources; the totals come from ``counts``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from db.filters import Filters, Scope, conditions, data_version, last_day_of_month
from db.models import Feed, Rollup, Run, Sighting, Taxon


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
    return _end(connection, scope), _end(connection, scope, latest=True)


def _end(connection: Connection, scope: Scope, *, latest: bool = False) -> str | None:
    """Its first day, then the shortest interval that begins on it: each step one look into an index."""
    first, last = Sighting.first_day, Sighting.last_day
    day = connection.execute(_outermost_day(scope, latest)).scalar()
    if day is None:
        return None
    shortest = select(func.min(last)).where(*conditions(scope), first == day)
    return interval_text(day, connection.execute(shortest).scalar_one())


def _outermost_day(scope: Scope, latest: bool) -> Select[Any]:
    first = Sighting.first_day
    # The days once more, so that the index of days is entered where they begin and where they end.
    within = first.between(*scope.filters.outer_days)
    order = first.desc() if latest else first
    any_taxon = select(first).where(*conditions(replace(scope, taxa=None)), within).order_by(order).limit(1)
    if scope.taxa is None:
        return any_taxon
    # Taxon by taxon: asked for several at once, both databases sort all records of them.
    of_each = any_taxon.where(Sighting.taxon_id == Taxon.id).scalar_subquery()
    day = func.max(of_each) if latest else func.min(of_each)
    return select(day).select_from(Taxon).where(Taxon.id.in_(scope.taxa))


def freshness(connection: Connection, scope: Scope) -> Freshness:
    """Version, latest record and time of ingest of what the scope covers."""
    whole = scope.filters == Filters() and scope.as_of is None
    version = data_version(connection) if whole else scope.version
    ingested = connection.execute(select(Run.finished_at).where(Run.id == version)).scalar()
    return Freshness(version, ends(connection, scope)[1], ingested)


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
    asked = select(Feed.name, Feed.made_up).where(*_has_any(scope)).order_by(Feed.name)
    return [Source(row.name, row.made_up) for row in connection.execute(asked)]


def _has_any(scope: Scope) -> list[ColumnElement[bool]]:
    """Conditions on a feed: the ledger tells which ones cannot have any, before a record is looked at."""
    filters, (first, last) = scope.filters, scope.filters.outer_days
    terms: list[ColumnElement[bool]] = [] if scope.feeds is None else [Feed.id.in_(scope.feeds)]
    plain = not (filters.days or filters.years or filters.months or filters.needs_records)
    if plain and scope.revision is None:
        rolled = exists().where(Rollup.feed_id == Feed.id, Rollup.bucket == 0)
        return [*terms, rolled if scope.taxa is None else rolled.where(Rollup.taxon_id.in_(scope.taxa))]
    within = conditions(scope)
    if filters.days or filters.years:
        within.append(Sighting.first_day.between(first, last))  # they say so too, but to no index
        terms.append(exists().where(Run.feed_id == Feed.id, Run.first_day <= last, Run.last_day >= first))
    # "+ 0" keeps SQLite from walking through a whole feed where days, taxa or places lead to a few records.
    return [*terms, exists().where(Sighting.feed_id + 0 == Feed.id, *within)]
