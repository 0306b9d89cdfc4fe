"""Whole records under the names of Darwin Core and GBIF, one by its key or many; knows no scope."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.questions.recent import record
from db.questions.summary import interval_text
from db.taxon_keys import LABEL, keys_of, own_rank, ranks_of


def whole(connection: Connection, rows: Sequence[int], as_of: int | None = None) -> list[dict[str, Any]]:
    """These rows of ``sighting``, in this order, as records under the names of Darwin Core and GBIF."""
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    for start in range(0, len(rows), 400):
        some = connection.execute(_asked(rows[start : start + 400], as_of))
        found.update((row.key, row) for row in some)
    above = {row.taxon_id: ranks_of(row) for row in found.values()}
    keys = keys_of(connection, {name for ranks in above.values() for name in ranks.values()}, as_of)
    return [_occurrence(found[key], above[found[key].taxon_id], keys) for key in rows]


def _asked(rows: Sequence[int], as_of: int | None) -> Select[Any]:
    taxon = labels_as_of(as_of)
    columns = (c for c in Sighting.__table__.c if c.name not in {"verbatim", "fingerprint"})
    place = (Place.country_code, Place.state_province, Place.county, Place.locality, Place.location_id)
    return (
        select(*columns, *(taxon.c[name] for name in LABEL), *place, Feed.name.label("feed"))
        .join(taxon, Sighting.taxon_id == taxon.c.id)
        .join(Place, Sighting.place_id == Place.id)
        .join(Feed, Sighting.feed_id == Feed.id)
        .where(Sighting.key.in_(rows))
    )


def one(connection: Connection, key: int) -> dict[str, Any] | None:
    """The record that is known by this key or was before it was corrected; None where it is gone."""
    known = connection.execute(
        select(Sighting.feed_id, Sighting.occurrence_id).where(Sighting.key == key)
    ).first()
    if known is None:
        return None
    current = select(Sighting.key).where(
        Sighting.feed_id == known.feed_id,
        Sighting.occurrence_id == known.occurrence_id,
        Sighting.retired_run.is_(None),
    )
    rows = list(connection.execute(current).scalars())
    return whole(connection, rows)[0] if rows else None


def _occurrence(row: Row[*tuple[Any, ...]], ranks: dict[str, str], keys: dict[str, int]) -> dict[str, Any]:
    """What is not known has no place in it, as in GBIF's answers."""
    told = {
        **record(row),
        **ranks,
        **{f"{rank}Key": keys.get(name.casefold()) for rank, name in ranks.items()},
        "taxonKey": row.taxon_id,
        "acceptedTaxonKey": row.taxon_id,
        "taxonRank": (own_rank(row) or "").upper() or None,
        "taxonomicStatus": "ACCEPTED",
        **_dates(row),
        "coordinateUncertaintyInMeters": row.coordinate_uncertainty,
        "geodeticDatum": "WGS84" if row.decimal_latitude is not None else None,
        "hasCoordinate": row.decimal_latitude is not None and row.decimal_longitude is not None,
        "hasGeospatialIssues": row.geospatial_issue,
        "county": row.county or None,
        "locationID": row.location_id or None,
        "recordedBy": row.recorded_by,
        "sex": row.sex,
        "lifeStage": row.life_stage,
    }
    return {name: value for name, value in told.items() if value is not None}


def _dates(row: Row[*tuple[Any, ...]]) -> dict[str, int | None]:
    """Year, month and day where the whole date lies in one; days of the year where it tells days."""
    first, last = row.first_day, row.last_day
    if first is None or last is None:
        return {}
    return {
        "year": first // 10_000 if first // 10_000 == last // 10_000 else None,
        "month": first // 100 % 100 if first // 100 == last // 100 else None,
        "day": first % 100 if first == last else None,
        **_days_of_year(first, last),
    }


def _days_of_year(first: int, last: int) -> dict[str, int | None]:
    """Nothing for a whole year or month: it tells no day."""
    if len(interval_text(first, last) or "") < len("2024-01-01"):
        return {}
    return {"startDayOfYear": day_of_year(first), "endDayOfYear": day_of_year(last)}


def day_of_year(day: int) -> int:
    """1 to 366, of a day written YYYYMMDD."""
    return date(day // 10_000, day // 100 % 100, day % 100).timetuple().tm_yday
