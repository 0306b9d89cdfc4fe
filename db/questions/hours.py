"""Counts per hour of the day, over all days of the scope; knows nothing of how they are shown."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from db.filters import Scope, Span
from db.grains import HOURS, hour_bucket, hour_of_record, hours_of
from db.measures import measures
from db.models import FOREVER, Rollup, Sighting
from db.questions.counts import Count, from_rollups
from db.questions.walks import terms_of_all

_A_YEAR = hour_bucket(1, 0)


def per_hour(connection: Connection, scope: Scope) -> list[Count]:
    """Counts per taxon and hour: bucket 0 is midnight to one o'clock by the source's own wall clock.

    Without the sightings that tell no time of day, and those that are not of one year.
    """
    rows = _rolled_up(scope)
    if rows is not None:
        return from_rollups(connection, scope, rows, Rollup.bucket % _A_YEAR)
    bucket, timed = hour_of_record()
    hour = bucket % _A_YEAR
    asked = select(Sighting.taxon_id, hour, *measures()).where(*terms_of_all(connection, scope), timed)
    return [Count(*row) for row in connection.execute(asked.group_by(Sighting.taxon_id, hour))]


def _rolled_up(scope: Scope) -> ColumnElement[bool] | None:
    """Which rollup rows answer, year by year; None where only the records can."""
    filters = scope.filters
    if scope.revision is not None or filters.needs_records or filters.months:
        return None
    terms: list[ColumnElement[bool]] = [Rollup.bucket.between(*HOURS)]
    for spans in filter(None, (filters.days, filters.day_spans)):
        if not all(map(_whole_years, spans)):
            return None
        years = (hours_of(first // 10_000, last // 10_000) for first, last in spans)
        terms.append(or_(*(Rollup.bucket.between(*ends) for ends in years)))
    return and_(*terms)


def _whole_years(span: Span) -> bool:
    first, last = span
    return (not first or first % 10_000 == 101) and (last == FOREVER or last % 10_000 == 1231)
