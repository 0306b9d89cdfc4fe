"""Counts per hour of the day, over all days of the scope; knows nothing of how they are shown."""

from __future__ import annotations

from sqlalchemy import Connection, select

from db.filters import Scope, conditions
from db.models import Sighting
from db.questions.counts import Count
from db.rollups import measures


def per_hour(connection: Connection, scope: Scope) -> list[Count]:
    """Counts per taxon and hour: bucket 0 is midnight to one o'clock by the source's own wall clock.

    Without the sightings that tell no time of day or are of more than one day.
    """
    return _from_records(connection, scope)


def _from_records(connection: Connection, scope: Scope) -> list[Count]:
    hour = Sighting.time_of_day // 3600
    timed = (Sighting.time_of_day.is_not(None), Sighting.first_day == Sighting.last_day)
    asked = select(Sighting.taxon_id, hour, *measures()).where(*conditions(scope), *timed)
    return [Count(*row) for row in connection.execute(asked.group_by(Sighting.taxon_id, hour))]
