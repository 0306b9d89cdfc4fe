"""The latest records, whole; knows nothing of how they are shown."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, func, select

from db.filters import Scope, conditions
from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.questions.summary import interval_text

KEY = func.coalesce(Sighting.origin_key, Sighting.key)
"""What a revision is known by: one that an undo brought back keeps the key that it had."""


def latest(connection: Connection, scope: Scope, limit: int) -> list[dict[str, Any]]:
    """The newest sightings by date, then time, as Darwin Core records; no undated and no absent ones."""
    taxon = labels_as_of(scope.as_of)
    newest = (
        select(
            *(column for column in Sighting.__table__.c if column.name not in {"verbatim", "fingerprint"}),
            taxon.c.scientific_name,
            taxon.c.vernacular_name,
            Place.country_code,
            Place.state_province,
            Place.locality,
            Feed.name.label("feed"),
        )
        .join(taxon, Sighting.taxon_id == taxon.c.id)
        .join(Place, Sighting.place_id == Place.id)
        .join(Feed, Sighting.feed_id == Feed.id)
        .where(*conditions(scope), Sighting.first_day.is_not(None), ~Sighting.absent)
        .order_by(Sighting.first_day.desc(), Sighting.time_of_day.desc().nulls_last(), KEY.desc())
        .limit(limit)
    )
    return [record(row) for row in connection.execute(newest)]


def record(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """One sighting under Darwin Core's names."""
    count = row.individual_count
    return {
        "key": row.origin_key or row.key,
        "occurrenceID": row.occurrence_id,
        "eventDate": interval_text(row.first_day, row.last_day),
        "eventTime": _time(row.time_of_day),
        "scientificName": row.scientific_name,
        "vernacularName": row.vernacular_name,
        "individualCount": int(count) if count is not None and count == int(count) else count,
        "occurrenceStatus": "ABSENT" if row.absent else "PRESENT",
        "basisOfRecord": row.basis_of_record,
        "countryCode": row.country_code or None,
        "stateProvince": row.state_province or None,
        "locality": row.locality or None,
        "decimalLatitude": row.decimal_latitude,
        "decimalLongitude": row.decimal_longitude,
        "issues": row.issues.split(";") if row.issues else [],
        "feed": row.feed,
    }


def _time(seconds: int | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
