"""The keys of sightings, which only rise: a later run's are above all earlier ones. Knows no scope.

So the revisions that a run added are a range of keys, and need no index of their own.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from db.models import Sighting


def newest_key(connection: Connection) -> int:
    """The highest key of any revision; 0 in an empty database."""
    return int(connection.execute(select(func.coalesce(func.max(Sighting.key), 0))).scalar_one())


def first_key(connection: Connection, run_id: int) -> int:
    """The lowest key above those of all earlier runs, found by halving."""
    low, high = 1, newest_key(connection) + 1
    while low < high:
        middle = (low + high) // 2
        following = select(Sighting.key, Sighting.added_run).where(Sighting.key >= middle)
        row = connection.execute(following.order_by(Sighting.key).limit(1)).first()
        if row is None or row.added_run >= run_id:
            high = middle
        else:
            low = row.key + 1
    return low
