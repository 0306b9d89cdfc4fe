"""Whole records for who takes them away: all that was understood of each; knows no file and no format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Literal

import numpy as np
from sqlalchemy import Connection, Row, Select, func, select

from db.filters import Scope, conditions
from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.names import RANKS
from db.questions.summary import interval_text
from db.questions.walks import days_again, terms_of_all

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


def keys(connection: Connection, scope: Scope, most: int | None = None) -> Keys:
    """The keys of all records of the scope, or of some, in their order: eight bytes for each.

    To ask for the keys alone lets the database go by whatever serves the filters best; to ask for each chunk
    of whole records behind the last one would sort all of them again for every chunk.
    """
    terms = [*conditions(scope), *days_again(scope)] if most else terms_of_all(connection, scope)
    asked = select(Sighting.key).where(*terms).limit(most)
    parts = [_numbers(some) for some in _portions(connection, asked)]
    return np.sort(np.concatenate(parts)) if parts else np.array([], np.int64)


def _portions(connection: Connection, asked: Select[int]) -> Iterator[Sequence[Any]]:
    """Rows as they come, never all at once."""
    if connection.dialect.name == "sqlite":
        # Its cursor holds one row at a time, and hands out plain ones in a quarter of the time.
        cursor: Any = connection.execute(asked).cursor
        return iter(partial(cursor.fetchmany, _AT_ONCE), [])
    return connection.execute(asked, execution_options={"yield_per": _AT_ONCE}).partitions()


def _numbers(rows: Sequence[Any]) -> Keys:
    return np.fromiter(chain.from_iterable(rows), np.int64, len(rows))


def records(connection: Connection, some: Keys, as_of: int | None) -> list[dict[str, Any]]:
    """The records of these keys under the names of FIELDS; what is not known is None.

    Their taxa are called as they were as of a data version (the scope's), or as they are today.
    """
    rows = connection.execute(_records(as_of).where(Sighting.key.in_(some.tolist()))).all()
    return [_exported(row) for row in rows]


def _records(as_of: int | None) -> Select[*tuple[Any, ...]]:
    taxon = labels_as_of(as_of)
    called = taxon.c
    fields: list[Any] = [
        *(func.coalesce(Sighting.origin_key, Sighting.key), Sighting.occurrence_id),
        *(Sighting.first_day, Sighting.last_day, Sighting.time_of_day, Sighting.utc_offset),
        *(Sighting.individual_count, Sighting.absent, Sighting.basis_of_record, Sighting.sex),
        *(Sighting.life_stage, Sighting.recorded_by),
        *(Sighting.decimal_latitude, Sighting.decimal_longitude, Sighting.coordinate_uncertainty),
        *(Sighting.issues, Place.location_id, Place.country_code, Place.state_province, Place.county),
        *(Place.locality, called.scientific_name, called.vernacular_name),
        *(called[rank] for rank in RANKS[:-1]),
        *(called.taxon_rank, Feed.name, Feed.made_up),
    ]
    return (
        select(*fields)
        .join(taxon, Sighting.taxon_id == called.id)
        .join(Place, Sighting.place_id == Place.id)
        .join(Feed, Sighting.feed_id == Feed.id)
        .order_by(Sighting.key)
    )


def _exported(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    """One record under the same names as ``recent.record``; taken apart once, for there may be millions."""
    (
        key, identifier, first, last, seconds, offset, count, absent, basis, sex, stage, by,
        latitude, longitude, uncertainty, issues, location, country, state, county, locality,
        scientific, vernacular, kingdom, phylum, class_, order, family, genus, rank, feed, made_up,
    ) = row  # fmt: skip
    date, time, year, month, day = _when(first, last, seconds, offset)
    return {
        "key": key,
        "occurrenceID": identifier,
        "basisOfRecord": basis,
        "occurrenceStatus": "ABSENT" if absent else "PRESENT",
        "individualCount": int(count) if count is not None and count == int(count) else count,
        "sex": sex,
        "lifeStage": stage,
        "recordedBy": by,
        "eventDate": date,
        "eventTime": time,
        "year": year,
        "month": month,
        "day": day,
        "locationID": location or None,
        "countryCode": country or None,
        "stateProvince": state or None,
        "county": county or None,
        "locality": locality or None,
        "decimalLatitude": latitude,
        "decimalLongitude": longitude,
        "coordinateUncertaintyInMeters": uncertainty,
        "scientificName": scientific,
        "vernacularName": vernacular,
        "kingdom": kingdom,
        "phylum": phylum,
        "class": class_,
        "order": order,
        "family": family,
        "genus": genus,
        "taxonRank": rank,
        "datasetName": feed,
        "occurrenceRemarks": MADE_UP if made_up else None,
        "issue": issues,
    }


_When = tuple[str | None, str | None, int | None, int | None, int | None]


def _when(first: int | None, last: int | None, seconds: int | None, offset: int | None) -> _When:
    """eventDate, eventTime, year, month and day, each as far as it is known.

    The time at which an interval of several days begins stands in eventDate.
    """
    date, year, month, day = _date(first, last)
    time = None if seconds is None else _time(seconds, offset)
    if time and first != last:
        date, time = f"{_date(first, first)[0]}T{time}/{_date(last, last)[0]}", None
    return date, time, year, month, day


@lru_cache(10_000)
def _date(first: int | None, last: int | None) -> tuple[str | None, int | None, int | None, int | None]:
    if first is None or last is None:
        return None, None, None, None
    return (
        interval_text(first, last),
        first // 10_000 if first // 10_000 == last // 10_000 else None,
        first // 100 % 100 if first // 100 == last // 100 else None,
        first % 100 if first == last else None,
    )


def _time(seconds: int, offset: int | None) -> str:
    """Local wall time after ISO 8601, with its offset from UTC where that is known."""
    wall = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    if offset is None:
        return wall
    return f"{wall}{'-' if offset < 0 else '+'}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
