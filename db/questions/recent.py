"""The latest records, whole; knows nothing of how they are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, select

from db.filters import Scope, conditions
from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.questions.names import names_in
from db.questions.summary import interval_text
from db.questions.walks import day_near_the_end, scattered, terms_of_all

KEY = func.coalesce(Sighting.origin_key, Sighting.key)
"""What a revision is known by: one that an undo brought back keeps the key that it had."""


def latest(connection: Connection, scope: Scope, limit: int, language: str = "") -> list[dict[str, Any]]:
    """The newest sightings by date, then time, as Darwin Core records; no undated and no absent ones.

    Of today, vernacular names are those of the language where it has one.
    """
    far = scattered(scope) or scope.taxa is not None
    edge = day_near_the_end(connection, scope, latest=True) if far else None
    late = [] if edge is None else [Sighting.first_day >= edge]
    keys = _keys(connection, [*conditions(scope), *late], limit)
    if late and len(keys) < limit:
        keys = _keys(connection, terms_of_all(connection, scope), limit)
    taxon = labels_as_of(scope.as_of)
    whole = (
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
        .where(Sighting.key.in_(keys))
        .order_by(*_NEWEST_FIRST)
    )
    spoken = names_in(connection, language) if scope.as_of is None else {}
    told = [record(row) | {"taxonKey": row.taxon_id} for row in connection.execute(whole)]
    for one in told:
        one["vernacularName"] = spoken.get(one["taxonKey"], one["vernacularName"])
    return told


_NEWEST_FIRST = (Sighting.first_day.desc(), Sighting.time_of_day.desc().nulls_last(), KEY.desc())


def _keys(connection: Connection, terms: Sequence[ColumnElement[bool]], limit: int) -> Sequence[int]:
    """The rows of the newest; only these are read whole, which takes longer than to find them."""
    dated = (Sighting.first_day.is_not(None), ~Sighting.absent)
    asked = select(Sighting.key).where(*terms, *dated).order_by(*_NEWEST_FIRST).limit(limit)
    return connection.execute(asked).scalars().all()


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
