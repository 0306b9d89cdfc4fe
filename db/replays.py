"""Rows of an earlier input that are read again: what they are called where the source has no identifier."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Text, cast, func, literal_column, select, update

from db.models import Run, Sighting
from db.staging import STAGING


def is_nameless(connection: Connection) -> ColumnElement[bool]:
    """Whether a staged row has no identifier of its source, but is called after its content."""
    return STAGING.c.occurrence_id == _hexed(connection, "staging").concat("-1")


def _hexed(connection: Connection, table: str) -> ColumnElement[str]:
    column = f"{table}.fingerprint"
    sqlite = connection.dialect.name == "sqlite"
    return literal_column(f"lower(hex({column}))" if sqlite else f"encode({column}, 'hex')", Text)


def name_after_their_input(connection: Connection, feed: int) -> None:
    """Give staged rows without an identifier one that counts on from the identical rows of their own input.

    The input whose rejects these are may hold the same row, understood at once: that is another animal, not
    this one. Rows that an earlier replay brought, also one of the same input read before, are not counted, so
    that they are met again.
    """
    nameless = select(STAGING.c.fingerprint).where(is_nameless(connection))
    replays = select(Run.id).where(Run.replays.is_not(None))
    held = (
        select(Sighting.fingerprint, func.count().label("times"))
        .where(Sighting.feed_id == feed, Sighting.retired_run.is_(None))
        .where(Sighting.fingerprint.in_(nameless))
        .where(Sighting.occurrence_id.like(_hexed(connection, "sighting").concat("-%")))
        .where(func.coalesce(Sighting.origin_run, Sighting.added_run).not_in(replays))
        .group_by(Sighting.fingerprint)
        .subquery()
    )
    ordinal = func.row_number().over(partition_by=STAGING.c.fingerprint, order_by=STAGING.c.key)
    number = cast(ordinal + func.coalesce(held.c.times, 0), Text)
    name = _hexed(connection, "staging").concat("-").concat(number)
    numbered = (
        select(STAGING.c.key, name.label("name"))
        .join(held, held.c.fingerprint == STAGING.c.fingerprint, isouter=True)
        .where(is_nameless(connection))
        .cte("numbered")
    )
    connection.execute(
        update(STAGING).values(occurrence_id=numbered.c.name).where(STAGING.c.key == numbered.c.key)
    )
