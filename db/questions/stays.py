"""The first and the last day of each year with a record of a taxon; knows nothing of charts."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, func, select
from sqlalchemy.orm import aliased

from db.filters import Scope
from db.grains import TO_A_DAY
from db.models import Rollup, Sighting
from db.questions.counts import of_scope, rollup_of
from db.questions.walks import terms_of_all

_YEARS = (1_000, 9_999)


class Stay(NamedTuple):
    """A taxon in a year: two days (YYYYMMDD), both of records that are dated to one day."""

    taxon_id: int
    year: int
    first: int
    last: int


def stays(connection: Connection, scope: Scope, taxa: list[int]) -> list[Stay]:
    """Each year in which one of these taxa was recorded on a day of the scope, in order."""
    narrow = replace(scope, taxa=tuple(taxa))
    rolled = rollup_of(narrow, "day")
    if rolled is None:
        return sorted(_from_records(connection, narrow))
    return sorted(_by_look_up(connection, narrow, rolled[0]))


def _by_look_up(connection: Connection, scope: Scope, rows: ColumnElement[bool]) -> list[Stay]:
    """Two looks into the index of rollups for each taxon and year, however many of its days there are."""
    whole = aliased(Rollup)
    first_year, last_year = (day // 10_000 for day in scope.filters.outer_days)
    years = select(whole.taxon_id, whole.bucket.label("year")).where(
        whole.taxon_id.in_(scope.taxa or ()),
        whole.bucket.between(max(first_year, _YEARS[0]), min(last_year, _YEARS[1])),
        whole.records > 0,
    )
    of_feed = [] if scope.feeds is None else [Rollup.feed_id.in_(scope.feeds)]
    years = years if scope.feeds is None else years.where(whole.feed_id.in_(scope.feeds))
    year = years.distinct().subquery()
    day = select(Rollup.bucket).where(
        rows,
        Rollup.taxon_id == year.c.taxon_id,
        Rollup.bucket.between(year.c.year * 10_000, year.c.year * 10_000 + 9_999),
        Rollup.records > 0,
        *of_feed,
    )
    first, last = (
        day.order_by(order).limit(1).correlate(year).scalar_subquery()
        for order in (Rollup.bucket, Rollup.bucket.desc())
    )
    asked = select(year.c.taxon_id, year.c.year, first, last)
    return [Stay(*row) for row in connection.execute(asked) if row[2] is not None]


def _from_records(connection: Connection, scope: Scope) -> list[Stay]:
    day, year = Sighting.first_day, Sighting.first_day // 10_000
    asked = select(Sighting.taxon_id, year, func.min(day), func.max(day)).where(
        *terms_of_all(connection, scope), day == Sighting.last_day, ~Sighting.absent
    )
    rows = connection.execute(asked.group_by(Sighting.taxon_id, year))
    return [Stay(taxon, when, first, last) for taxon, when, first, last in rows if when and first and last]


def dated_to_a_day(connection: Connection, scope: Scope, taxa: list[int]) -> int:
    """How many records of these taxa are dated to one day."""
    narrow = replace(scope, taxa=tuple(taxa))
    rows = _dated_to_a_day(narrow)
    if rows is None:
        one_day = Sighting.first_day == Sighting.last_day
        terms = (*terms_of_all(connection, narrow), one_day, ~Sighting.absent)
        asked = select(func.count()).select_from(Sighting).where(*terms)
    else:
        asked = select(func.coalesce(func.sum(Rollup.records), 0)).where(rows, *of_scope(narrow, Rollup))
    return int(connection.execute(asked).scalar_one())


def _dated_to_a_day(scope: Scope) -> ColumnElement[bool] | None:
    """Which rollup rows hold them: one for each taxon, or its days; None where only the records can tell."""
    rolled, filters = rollup_of(scope, "day"), scope.filters
    if rolled is None:
        return None
    dated = filters.days or filters.years or filters.months
    return rolled[0] if dated else Rollup.bucket == TO_A_DAY
