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

from db.filters import Filters, Scope, conditions, scope
from db.former import labels_as_of
from db.models import Feed, Place, Sighting
from db.questions import counts
from db.questions.recent import record
from db.questions.summary import interval_text
from db.questions.walks import records, unindexed, walks_for_all, walks_for_some
from db.taxon_keys import LABEL, keys_of, own_rank, ranks_of, taxonomy_run
from db.undo import first_key


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


def settled(connection: Connection, found: Scope) -> Scope:
    """The same scope, as of now where nothing that it tells has changed since: that is quicker to ask."""
    if found.as_of is None or taxonomy_run(connection) > found.as_of:
        return found
    touched = scope(connection, found.filters).version > found.as_of
    return found if touched else replace(found, as_of=None, revision=None)


def count(connection: Connection, found: Scope) -> int:
    """How many records there are, of what was seen and of what was looked for and not found."""
    if found.as_of is not None:
        return _count_as_of(connection, found)
    rolled = _from_rollups(connection, found)
    return _number(connection, terms_of_all(connection, found)) if rolled is None else rolled


_DIVISORS = {"year": 10_000, "month": 100, "day": 1}


def _from_rollups(connection: Connection, found: Scope) -> int | None:
    """The same from what is counted already; None where only the records can tell."""
    absent, plain = without_status(found)
    filters = plain.filters
    if counts.rolled_up(plain):
        return _sum(counts.totals(connection, plain, apart=False), absent)
    spans = filters.days + filters.day_spans
    for grain, divisor in _DIVISORS.items():
        # A record that lies in a month counts in that month, but one of two years in no single one.
        whole = all(first // divisor == last // divisor for first, last in spans)
        enough = (grain == "month") if filters.months else whole or _precise(connection, plain, grain)
        if enough and counts.rolled_up(plain, grain):
            return _sum(counts.per_bucket(connection, plain, grain, apart=False), absent)
    return None


def _precise(connection: Connection, plain: Scope, grain: str) -> bool:
    """Whether every record that the scope without its dates has is undated or lies in one year, or month."""
    always = replace(plain, filters=replace(plain.filters, days=(), years=()))
    if grain == "day" or not counts.rolled_up(always):
        return False
    dated = _sum(counts.per_bucket(connection, always, grain, apart=False), None)
    undated = _number(connection, [*conditions(always), Sighting.first_day.is_(None)])
    return _sum(counts.totals(connection, always, apart=False), None) == dated + undated


def _sum(several: Sequence[counts.Count], absent: bool | None) -> int:
    return sum(amount(one, absent) for one in several)


def without_status(found: Scope) -> tuple[bool | None, Scope]:
    """Whether absences are asked for, and the scope without that: rollups hold both kinds side by side."""
    traits = found.filters.traits
    return traits.absent, replace(found, filters=replace(found.filters, traits=replace(traits, absent=None)))


def amount(one: counts.Count, absent: bool | None) -> int:
    """The records of a count, or its absences, or both."""
    return one.records * (absent is not True) + one.absences * (absent is not False)


def _count_as_of(connection: Connection, found: Scope) -> int:
    """What there is now, without what came since, and with what has gone since."""
    now, version = replace(found, as_of=None, revision=None), found.as_of or 0
    newer = [*conditions(now), Sighting.key >= first_key(connection, version + 1)]
    gone = [*conditions(found), Sighting.retired_run > version]
    return count(connection, now) - _number(connection, newer) + _number(connection, gone)


def _number(connection: Connection, terms: Sequence[ColumnElement[bool]]) -> int:
    asked = select(func.count()).select_from(Sighting).where(*terms)
    return int(connection.execute(asked).scalar_one())


def terms_of_all(connection: Connection, found: Scope) -> list[ColumnElement[bool]]:
    """Conditions for whoever has to see all records of a scope: by an index only where that finds few."""
    terms, filters = [*conditions(found), *_days(found)], found.filters
    if found.as_of is not None or filters.countries or filters.states or filters.localities:
        return terms
    if filters == Filters():
        return terms
    plain = Filters(days=filters.days, years=filters.years, months=filters.months)
    most = _from_rollups(connection, replace(found, filters=plain))
    walks = walks_for_all(connection, records(connection) if most is None else most)
    return [unindexed(term) for term in terms] if walks else terms


def _days(found: Scope) -> list[ColumnElement[bool]]:
    """What the scope says of days already, in words that an index understands."""
    first, last = found.filters.outer_days
    dated = found.filters.days or found.filters.years
    return [Sighting.first_day.between(first, last)] if dated else []


def page(
    connection: Connection, found: Scope, limit: int, offset: int = 0, after: int | None = None, held: int = 0
) -> list[dict[str, Any]]:
    """At most ``limit`` records, those with keys above ``after``; ``held`` is how many the scope has."""
    walks = walks_for_some(connection, held, limit + offset)
    now = [*conditions(replace(found, as_of=None, revision=None)), *_days(found)]
    if found.as_of is not None:
        now.append(Sighting.added_run <= found.as_of)
    parts = [*_current(now, after or 0, walks), *_gone(found, after or 0)]
    # Both databases merge the parts where each is in order, and stop when there are enough.
    merged = union_all(*parts).order_by("place").limit(limit).offset(offset)
    return whole(connection, [row for _, row in connection.execute(merged)], found.as_of)


def _current(terms: list[ColumnElement[bool]], after: int, walks: bool) -> list[Select[Any, Any]]:
    """Key and row of records that kept their key, and of those that an undo gave another: two indexes."""
    terms = [unindexed(term) for term in terms] if walks else terms
    kept: ColumnElement[bool] = Sighting.origin_key.is_(None)
    kept = unindexed(kept) if walks else kept
    return [
        _places(Sighting.key, *terms, kept, Sighting.key > after),
        _places(Sighting.origin_key, *terms, Sighting.origin_key > after),
    ]


def _gone(found: Scope, after: int) -> list[Select[Any, Any]]:
    """The same of what has gone since an older version: few, which are found by the run that retired them."""
    if found.as_of is None:
        return []
    known_as = func.coalesce(Sighting.origin_key, Sighting.key)
    terms = [unindexed(term) for term in conditions(found)]
    return [_places(known_as, *terms, Sighting.retired_run > found.as_of, known_as > after)]


def _places(known_as: Any, *terms: ColumnElement[bool]) -> Select[Any, Any]:
    return select(known_as.label("place"), Sighting.key.label("row")).where(*terms)


def whole(connection: Connection, rows: Sequence[int], as_of: int | None = None) -> list[dict[str, Any]]:
    """These rows of ``sighting``, in this order, as records under the names of Darwin Core and GBIF."""
    found: dict[int, Row[*tuple[Any, ...]]] = {}
    for start in range(0, len(rows), 400):
        some = connection.execute(_asked(rows[start : start + 400], as_of))
        found.update((row.key, row) for row in some)
    above = {row.taxon_id: ranks_of(row) for row in found.values()}
    keys = keys_of(connection, {name for ranks in above.values() for name in ranks.values()}, as_of)
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
