"""Where a record comes from and what it said before: every revision of it; knows no files."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select, union_all
from sqlalchemy.orm import aliased

from db.models import Feed, Place, Run, Sighting, Taxon
from db.questions.recent import record

_BETWEEN_FIELDS = "\x1f"


def history(connection: Connection, feed: str, occurrence_id: str) -> list[dict[str, Any]]:
    """The revisions of one record, the oldest first; empty where the feed has none of this identifier.

    Each holds ``run``, ``input`` and ``line`` that it stood in, ``addedRun`` and ``addedAt``, ``retiredRun``
    and ``retiredAt`` (None for what is current), the record under Darwin Core's names, and ``verbatim``: the
    row as it came under the input's own column names.
    """
    of_feed = Sighting.feed_id == select(Feed.id).where(Feed.name == feed).scalar_subquery()
    one = select(Sighting.key).where(of_feed, Sighting.occurrence_id == occurrence_id)
    # Two halves, each of which has an index of its own.
    halves = one.where(Sighting.retired_run.is_(None)), one.where(Sighting.retired_run.is_not(None))
    rows = list(connection.execute(_REVISION.where(Sighting.key.in_(union_all(*halves)))))
    # The earlier rows of a repeated identifier are written after the one that won.
    rows.sort(key=lambda row: (row.added_run, row.retired_run is None, row.line))
    return [_revision(row) for row in rows]


def history_of_key(connection: Connection, key: int) -> list[dict[str, Any]]:
    """The same, of the record that one of its revisions has this key."""
    asked = select(Feed.name, Sighting.occurrence_id).join(Feed, Sighting.feed_id == Feed.id)
    found = connection.execute(asked.where(Sighting.key == key)).first()
    return history(connection, *found) if found else []


_ORIGIN, _ADDED, _RETIRED = aliased(Run), aliased(Run), aliased(Run)
_REVISION = (
    select(
        *(column for column in Sighting.__table__.c if column.name != "fingerprint"),
        Taxon.scientific_name,
        Taxon.vernacular_name,
        Place.country_code,
        Place.state_province,
        Place.locality,
        Feed.name.label("feed"),
        _ORIGIN.id.label("run"),
        _ORIGIN.input,
        _ORIGIN.columns.label("names"),
        _ADDED.finished_at.label("added_at"),
        _RETIRED.finished_at.label("retired_at"),
    )
    .join(Feed, Sighting.feed_id == Feed.id)
    .join(Taxon, Sighting.taxon_id == Taxon.id)
    .join(Place, Sighting.place_id == Place.id)
    .join(_ORIGIN, _ORIGIN.id == func.coalesce(Sighting.origin_run, Sighting.added_run))
    .join(_ADDED, _ADDED.id == Sighting.added_run)
    .join(_RETIRED, _RETIRED.id == Sighting.retired_run, isouter=True)
)


def _revision(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    fields = row.verbatim.split(_BETWEEN_FIELDS)
    return {
        "run": row.run,
        "input": row.input,
        "line": row.line,
        "addedRun": row.added_run,
        "addedAt": row.added_at,
        "retiredRun": row.retired_run,
        "retiredAt": row.retired_at,
        "record": record(row),
        "verbatim": dict(zip(row.names, fields, strict=False)),
    }
