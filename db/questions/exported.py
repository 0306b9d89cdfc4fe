"""Whole records for who takes them away: all that was understood of each; knows no file and no format."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sqlalchemy import Connection, Row, Select, func, select

from db.filters import Scope, conditions
from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.questions.recent import record
from db.questions.summary import interval_text

Kind = Literal["text", "whole", "number"]
Keys = np.ndarray[Any, np.dtype[np.int64]]
MADE_UP = "made up"

FIELDS: dict[str, Kind] = {
    "key": "whole",
    "occurrenceID": "text",
    "basisOfRecord": "text",
    "occurrenceStatus": "text",
    "individualCount": "number",
    "sex": "text",
    "lifeStage": "text",
    "recordedBy": "text",
    "eventDate": "text",
    "eventTime": "text",
    "year": "whole",
    "month": "whole",
    "day": "whole",
    "locationID": "text",
    "countryCode": "text",
    "stateProvince": "text",
    "county": "text",
    "locality": "text",
    "decimalLatitude": "number",
    "decimalLongitude": "number",
    "coordinateUncertaintyInMeters": "number",
    "scientificName": "text",
    "vernacularName": "text",
    "kingdom": "text",
    "phylum": "text",
    "class": "text",
    "order": "text",
    "family": "text",
    "genus": "text",
    "taxonRank": "text",
    "datasetName": "text",
    "occurrenceRemarks": "text",
    "issue": "text",
}
"""The fields of a record in their order: Darwin Core's terms; ``key`` is ours and ``issue`` GBIF's."""

_AT_ONCE = 50_000


def count(connection: Connection, scope: Scope) -> int:
    """How many records the scope has, absences among them."""
    asked = select(func.count()).select_from(Sighting).where(*conditions(scope))
    return int(connection.execute(asked).scalar_one())


def keys(connection: Connection, scope: Scope) -> Keys:
    """The keys of all records of the scope, in their order: eight bytes for each.

    To ask for the keys alone lets the database go by whatever index serves the filters best; to ask for each
    chunk of whole records behind the last one would sort all of them again for every chunk.
    """
    asked = select(Sighting.key).where(*conditions(scope))
    found = connection.execute(asked, execution_options={"yield_per": _AT_ONCE}).scalars()
    parts = [np.array(part, np.int64) for part in found.partitions()]
    return np.sort(np.concatenate(parts)) if parts else np.array([], np.int64)


def records(connection: Connection, some: Keys, as_of: int | None) -> list[dict[str, Any]]:
    """The records of these keys under the names of FIELDS; what is not known is None.

    Their taxa are called as they were as of a data version (the scope's), or as they are today.
    """
    rows = connection.execute(_records(as_of).where(Sighting.key.in_(some.tolist())))
    return [_exported(row) for row in rows]


def _records(as_of: int | None) -> Select[Any]:
    taxon = labels_as_of(as_of)
    called = taxon.c
    return (
        select(
            *(column for column in Sighting.__table__.c if column.name not in {"verbatim", "fingerprint"}),
            *(called.scientific_name, called.vernacular_name, called.taxon_rank),
            *(called.kingdom, called.phylum, called["class"].label("class_"), called.order.label("order_")),
            *(called.family, called.genus),
            *(Place.country_code, Place.state_province, Place.county, Place.locality, Place.location_id),
            *(Feed.name.label("feed"), Feed.made_up),
        )
        .join(taxon, Sighting.taxon_id == called.id)
        .join(Place, Sighting.place_id == Place.id)
        .join(Feed, Sighting.feed_id == Feed.id)
        .order_by(Sighting.key)
    )


def _exported(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    known = record(row) | _when(row)
    known |= {
        "sex": row.sex,
        "lifeStage": row.life_stage,
        "recordedBy": row.recorded_by,
        "locationID": row.location_id or None,
        "county": row.county or None,
        "coordinateUncertaintyInMeters": row.coordinate_uncertainty,
        "kingdom": row.kingdom,
        "phylum": row.phylum,
        "class": row.class_,
        "order": row.order_,
        "family": row.family,
        "genus": row.genus,
        "taxonRank": row.taxon_rank,
        "datasetName": row.feed,
        "occurrenceRemarks": MADE_UP if row.made_up else None,
        "issue": row.issues,
    }
    return {name: known[name] for name in FIELDS}


def _when(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """The date as precise as it is known; of an interval the time at which it begins stands in eventDate."""
    first, last = row.first_day, row.last_day
    if first is None:
        return {"eventDate": None, "eventTime": None, "year": None, "month": None, "day": None}
    date, time = interval_text(first, last), _time(row.time_of_day, row.utc_offset)
    if time and first != last:
        date, time = f"{interval_text(first, first)}T{time}/{interval_text(last, last)}", None
    return {
        "eventDate": date,
        "eventTime": time,
        "year": first // 10_000 if first // 10_000 == last // 10_000 else None,
        "month": first // 100 % 100 if first // 100 == last // 100 else None,
        "day": first % 100 if first == last else None,
    }


def _time(seconds: int | None, offset: int | None) -> str | None:
    """Local wall time after ISO 8601, with its offset from UTC where that is known."""
    if seconds is None:
        return None
    wall = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if offset is None:
        return wall
    return f"{wall}{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
