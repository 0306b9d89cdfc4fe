"""Rows of an earlier input that are read again: what they are called where the source has no identifier."""

from __future__ import annotations

from sqlalchemy import Connection, Text, cast, func, literal_column, select, update

from db.models import Run, Sighting
from db.staging import STAGING


def name_after_their_input(connection: Connection, feed: int, replayed: int) -> None:
    """Give staged rows without an identifier one that counts on from the identical rows of their own input.

    The input of the run ``replayed`` may hold the same row, understood at once: that is another animal, not
    this one. Rows that an earlier replay brought are not counted, so that they are met again.
    """
    if connection.dialect.name == "sqlite":
        staged, kept = "lower(hex(staging.fingerprint))", "lower(hex(sighting.fingerprint))"
    else:
        staged, kept = "encode(staging.fingerprint, 'hex')", "encode(sighting.fingerprint, 'hex')"
    nameless = select(STAGING.c.fingerprint).where(STAGING.c.occurrence_id.is_(None))
    replays = select(Run.id).where(Run.replays == replayed)
    held = (
        select(Sighting.fingerprint, func.count().label("times"))
        .where(Sighting.feed_id == feed, Sighting.retired_run.is_(None))
        .where(Sighting.fingerprint.in_(nameless))
        .where(Sighting.occurrence_id.like(literal_column(kept).concat("-%")))
        .where(func.coalesce(Sighting.origin_run, Sighting.added_run).not_in(replays))
        .group_by(Sighting.fingerprint)
        .subquery()
    )
    ordinal = func.row_number().over(partition_by=STAGING.c.fingerprint, order_by=STAGING.c.number)
    number = cast(ordinal + func.coalesce(held.c.times, 0), Text)
    name = literal_column(staged).concat("-").concat(number)
    numbered = (
        select(STAGING.c.number, name.label("name"))
        .join(held, held.c.fingerprint == STAGING.c.fingerprint, isouter=True)
        .where(STAGING.c.occurrence_id.is_(None))
        .cte("numbered")
    )
    connection.execute(
        update(STAGING).values(occurrence_id=numbered.c.name).where(STAGING.c.number == numbered.c.number)
    )
