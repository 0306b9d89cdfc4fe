"""When each taxon was recorded first and last: a look into an index for each; knows nothing of charts."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, case, func, select

from db.filters import Scope, conditions
from db.grains import iso_week
from db.models import Rollup, Sighting
from db.questions.counts import precise_bucket, rollup_of
from db.questions.walks import terms_of_all

_AT_ONCE = 500


class Ends(NamedTuple):
    """The first and the last bucket of an interval with a record; None where no record is precise enough."""

    first: int | None
    last: int | None


def ends_per_taxon(connection: Connection, scope: Scope, interval: str) -> dict[int, Ends]:
    """Every taxon with a record in the scope, be it one that lies in no single bucket; absences are none."""
    rolled = rollup_of(scope, interval)
    if rolled is not None:
        return _by_look_up(connection, scope, *rolled)
    if interval == "week":
        return _weeks(connection, scope)
    bucket, precise = precise_bucket(interval)
    held = case((precise, bucket))
    return _grouped(connection, scope, func.min(held), func.max(held))


def _by_look_up(
    connection: Connection, scope: Scope, rows: ColumnElement[bool], bucket: ColumnElement[int]
) -> dict[int, Ends]:
    """Two looks into the index of rollups for each taxon, however many of its buckets there are."""
    recorded = select(Rollup.taxon_id).where(Rollup.bucket == 0, *_of(scope)).distinct().subquery()
    one = select(bucket).where(rows, Rollup.taxon_id == recorded.c.taxon_id, *_of(scope)).limit(1)
    first, last = (
        one.order_by(order).correlate(recorded).scalar_subquery()
        for order in (Rollup.bucket, Rollup.bucket.desc())
    )
    found = {row[0]: Ends(*row[1:]) for row in connection.execute(select(recorded.c.taxon_id, first, last))}
    filters = scope.filters
    if not (filters.days or filters.years or filters.months):
        return found
    missing = _there(connection, scope, [taxon for taxon, ends in found.items() if ends.first is None])
    return {taxon: ends for taxon, ends in found.items() if ends.first is not None or taxon in missing}


def _of(scope: Scope) -> list[ColumnElement[bool]]:
    wanted = ((Rollup.taxon_id, scope.taxa), (Rollup.feed_id, scope.feeds))
    return [Rollup.records > 0, *(column.in_(ids) for column, ids in wanted if ids is not None)]


def _there(connection: Connection, scope: Scope, taxa: list[int]) -> set[int]:
    """Those of taxa without any precise record among the scope's days that have a vague one there."""
    # The days once more, so that the index of a taxon's days is left where they end.
    terms = (*conditions(scope), ~Sighting.absent, Sighting.first_day.between(*scope.filters.outer_days))
    found: set[int] = set()
    for start in range(0, len(taxa), _AT_ONCE):
        some = select(Sighting.taxon_id).where(*terms, Sighting.taxon_id.in_(taxa[start : start + _AT_ONCE]))
        found.update(connection.execute(some.distinct()).scalars())
    return found


def _grouped(connection: Connection, scope: Scope, *ends: ColumnElement[Any]) -> dict[int, Ends]:
    asked = select(Sighting.taxon_id, *ends).where(*terms_of_all(connection, scope), ~Sighting.absent)
    return {row[0]: Ends(*row[1:]) for row in connection.execute(asked.group_by(Sighting.taxon_id))}


def _weeks(connection: Connection, scope: Scope) -> dict[int, Ends]:
    """Weeks from the records: of single days the two ends, of longer dates each that there is."""
    first, last = Sighting.first_day, Sighting.last_day
    single = case((first == last, first))
    days = _grouped(connection, scope, func.min(single), func.max(single))
    weeks = {taxon: {iso_week(day) for day in ends if day is not None} for taxon, ends in days.items()}
    terms = (*terms_of_all(connection, scope), ~Sighting.absent, first < last)
    longer = select(Sighting.taxon_id, first, last).where(*terms)
    for taxon, start, end in connection.execute(longer.distinct()):
        week = iso_week(start or 0)
        if week == iso_week(end or 0):
            weeks[taxon].add(week)
    return {taxon: Ends(min(held, default=None), max(held, default=None)) for taxon, held in weeks.items()}
