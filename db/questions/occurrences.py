"""Single records: how many a scope holds, a page of them, one by its key; knows no envelope and no web.

A page is ordered by the key that a record is known by, the oldest first. What arrives comes behind what is
there, so that whoever pages by offset sees each old record once; an undo brings a record back to its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, select, union_all
from sqlalchemy.sql.visitors import replacement_traverse

from db.filters import Scope, conditions, scope
from db.models import Feed, Place, Rollup, Sighting, Taxon
from db.questions import counts
from db.questions.recent import record
from db.questions.summary import interval_text
from db.taxon_keys import TAXON_COLUMNS, keys_of, own_rank, ranks_of
from db.undo import first_key

_WHOLE = (
    select(
        *(column for column in Sighting.__table__.c if column.name not in {"verbatim", "fingerprint"}),
        *TAXON_COLUMNS[1:],
        Place.country_code,
        Place.state_province,
        Place.county,
        Place.locality,
        Place.location_id,
        Feed.name.label("feed"),
    )
    .join(Taxon, Sighting.taxon_id == Taxon.id)
    .join(Place, Sighting.place_id == Place.id)
    .join(Feed, Sighting.feed_id == Feed.id)
)


def settled(connection: Connection, found: Scope) -> Scope:
    """The same scope, as of now where nothing has touched it since: that is quicker to ask."""
    if found.as_of is None or scope(connection, found.filters).version > found.as_of:
        return found
    return replace(found, as_of=None)


def count(connection: Connection, found: Scope) -> int:
    """How many records there are, of what was seen and of what was looked for and not found."""
    if found.as_of is not None:
        return _count_as_of(connection, found)
    absent, plain = without_status(found)
    if not plain.filters.needs_records:
        return sum(amount(one, absent) for one in counts.totals(connection, plain))
    return _number(connection, [*conditions(found), *_days(found)])


def without_status(found: Scope) -> tuple[bool | None, Scope]:
    """Whether absences are asked for, and the scope without that: rollups hold both kinds side by side."""
    traits = found.filters.traits
    return traits.absent, replace(found, filters=replace(found.filters, traits=replace(traits, absent=None)))


def amount(one: counts.Count, absent: bool | None) -> int:
    """The records of a count, or its absences, or both."""
    return one.records * (absent is not True) + one.absences * (absent is not False)


def _count_as_of(connection: Connection, found: Scope) -> int:
    """What there is now, without what came since, and with what has gone since."""
    now, version = replace(found, as_of=None), found.as_of or 0
    newer = [*conditions(now), Sighting.key >= first_key(connection, version + 1)]
    gone = [*conditions(found), Sighting.retired_run > version]
    return count(connection, now) - _number(connection, newer) + _number(connection, gone)


def _number(connection: Connection, terms: Sequence[ColumnElement[bool]]) -> int:
    asked = select(func.count()).select_from(Sighting).where(*terms)
    return int(connection.execute(asked).scalar_one())


def _days(found: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of days already, in words that an index understands."""
    first, last = found.filters.outer_days
    dated = found.filters.days or found.filters.years
    return [Sighting.first_day.between(first, last)] if dated else []


def page(
    connection: Connection, found: Scope, limit: int, offset: int = 0, after: int | None = None, held: int = 0
) -> list[dict[str, Any]]:
    """At most ``limit`` records, those with keys above ``after``; ``held`` is how many the scope has."""
    halves = _halves(found)
    if _dense(connection, held, limit + offset):
        halves = [[_unindexed(term) for term in terms] for terms in halves]
    parts = [part for terms in halves for part in _by_key(terms, after)]
    merged = union_all(*parts).subquery()
    places = select(merged.c.row).order_by(merged.c.place).limit(limit).offset(offset)
    rows = list(connection.execute(places).scalars())
    return whole(connection, rows)


def _halves(found: Scope) -> list[list[ColumnElement[bool]]]:
    """Conditions on what is current and, for an older version, on what has gone since: each has its index."""
    now = [*conditions(replace(found, as_of=None)), *_days(found)]
    if found.as_of is None:
        return [now]
    gone = [*conditions(found), Sighting.retired_run > found.as_of]
    return [[*now, Sighting.added_run <= found.as_of], gone]


def _by_key(terms: list[ColumnElement[bool]], after: int | None) -> list[Select[Any, Any]]:
    """Key and row of records that kept their key, and of those that an undo gave another: two indexes."""
    kept = select(Sighting.key.label("place"), Sighting.key.label("row")).where(
        *terms, Sighting.origin_key.is_(None)
    )
    again = select(Sighting.origin_key.label("place"), Sighting.key.label("row")).where(
        *terms, Sighting.origin_key.is_not(None)
    )
    if after is not None:
        kept, again = kept.where(Sighting.key > after), again.where(Sighting.origin_key > after)
    return [kept, again]


def _dense(connection: Connection, held: int, wanted: int) -> bool:
    """Whether to walk along the keys until enough are found, rather than to find all and sort them.

    SQLite would always sort. It pays to walk where the records that are passed on the way are fewer.
    """
    total = connection.execute(
        select(func.coalesce(func.sum(Rollup.records + Rollup.absences), 0)).where(Rollup.bucket == 0)
    ).scalar_one()
    return held * held > wanted * int(total)


_INDEXED = {Sighting.__table__.c[name] for name in ("taxon_id", "feed_id", "place_id", "first_day")}


def _unindexed(term: ColumnElement[bool]) -> ColumnElement[bool]:
    """The same condition in words that no index understands, so that SQLite walks along the keys."""

    def plus_nothing(element: Any, **_: Any) -> Any:
        return element + 0 if element in _INDEXED else None

    return replacement_traverse(term, {}, plus_nothing)


def whole(connection: Connection, rows: Sequence[int]) -> list[dict[str, Any]]:
    """These rows of ``sighting``, in this order, as records under the names of Darwin Core and GBIF."""
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    for start in range(0, len(rows), 400):
        asked = _WHOLE.where(Sighting.key.in_(rows[start : start + 400]))
        found.update((row.key, row) for row in connection.execute(asked))
    above = {row.taxon_id: ranks_of(row) for row in found.values()}
    keys = keys_of(connection, {name for ranks in above.values() for name in ranks.values()})
    return [_occurrence(found[key], above[found[key].taxon_id], keys) for key in rows]


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
