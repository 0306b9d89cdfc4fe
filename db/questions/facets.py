"""How many records a scope has for each value of a field: from rollups where they can tell it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, func, select

from db.filters import Filters, Scope, conditions
from db.models import Feed, Place, Rollup, Sighting
from db.names import RANKS
from db.questions import counts
from db.questions.occurrences import amount, without_status
from db.questions.records import day_of_year
from db.questions.summary import interval_text
from db.questions.walks import terms_of_all
from db.taxon_keys import keys_of, names_at, ranks_of, taxa

Counted = dict[str, int]
"""A value as text -> how many records have it."""
Counting = Callable[[Connection, Scope], Counted]


def facet(connection: Connection, scope: Scope, field: str) -> list[tuple[str, int]]:
    """The values of one of FIELDS, the most frequent first, equals by name; what has no value is left out."""
    counted = FIELDS[field](connection, scope)
    return sorted(
        ((name, number) for name, number in counted.items() if number), key=lambda one: (-one[1], one[0])
    )


def _per_taxon(connection: Connection, scope: Scope) -> dict[int, int]:
    absent, plain = without_status(scope)
    return {one.taxon_id: amount(one, absent) for one in counts.totals(connection, plain)}


def _scientific_names(connection: Connection, scope: Scope) -> Counted:
    per_taxon, found = _per_taxon(connection, scope), Counter[str]()
    for key, row in taxa(connection, per_taxon, scope.as_of).items():
        found[row.scientific_name or ""] += per_taxon[key]
    found.pop("", None)
    return found


def _names_at(rank: str) -> Counting:
    def names(connection: Connection, scope: Scope) -> Counted:
        per_taxon, found = _per_taxon(connection, scope), Counter[str]()
        rows = taxa(connection, per_taxon, scope.as_of)
        told = {key: ranks_of(row).get(rank) for key, row in rows.items()}
        known = {name.casefold(): name for name in names_at(connection, rank, scope.as_of)}
        for key, name in told.items():
            # What was only recognised as a genus is of that genus too, though nobody says that it is one.
            found[name or known.get(rows[key].name.casefold(), "")] += per_taxon[key]
        found.pop("", None)
        return found

    return names


def _keys_at(rank: str) -> Counting:
    def keys(connection: Connection, scope: Scope) -> Counted:
        named = _names_at(rank)(connection, scope)
        known, found = keys_of(connection, named, scope.as_of), Counter[str]()
        for name, number in named.items():
            found[str(known.get(name.casefold(), ""))] += number
        found.pop("", None)
        return found

    return keys


def _taxon_keys(connection: Connection, scope: Scope) -> Counted:
    """A record counts for its own taxon and, as it does where one asks by key, for every one above."""
    per_taxon, named, found = _per_taxon(connection, scope), Counter[str](), Counter[str]()
    for key, row in taxa(connection, per_taxon, scope.as_of).items():
        found[str(key)] += per_taxon[key]
        above = {name.casefold() for name in ranks_of(row).values()}
        named.update(dict.fromkeys(above - {row.name.casefold()}, per_taxon[key]))
    for name, key in keys_of(connection, named, scope.as_of).items():
        found[str(key)] += named[name]
    return found


def _per_bucket(connection: Connection, scope: Scope, interval: str) -> Counter[int]:
    absent, plain = without_status(scope)
    found = Counter[int]()
    for one in counts.per_bucket(connection, plain, interval, apart=False):
        found[one.bucket] += amount(one, absent)
    return found


def _by_time(interval: str, write: Callable[[int], str]) -> Counting:
    def times(connection: Connection, scope: Scope) -> Counted:
        found = Counter[str]()
        for bucket, number in _per_bucket(connection, scope, interval).items():
            found[write(bucket)] += number
        return found

    return times


def _feeds(connection: Connection, scope: Scope) -> Counted:
    absent, plain = without_status(scope)
    filters = plain.filters
    dated = filters.days or filters.years or filters.months
    if plain.revision is not None or filters.needs_records or dated:
        return _grouped(Feed.name, Sighting.feed_id, Feed.id)(connection, scope)
    kinds = ((Rollup.records, absent is not True), (Rollup.absences, absent is not False))
    total = sum((column for column, wanted in kinds if wanted), start=0)
    asked = select(Feed.name, func.sum(total)).join(Feed, Feed.id == Rollup.feed_id).where(Rollup.bucket == 0)
    for column, ids in ((Rollup.taxon_id, scope.taxa), (Rollup.feed_id, scope.feeds)):
        if ids is not None:
            asked = asked.where(column.in_(ids))
    return {name: int(number) for name, number in connection.execute(asked.group_by(Feed.name))}


def _statuses(connection: Connection, scope: Scope) -> Counted:
    absent, plain = without_status(scope)
    totals = counts.totals(connection, plain, apart=False)
    seen, missed = (sum(amount(one, kind) for one in totals) for kind in (False, True))
    return {"PRESENT": seen * (absent is not True), "ABSENT": missed * (absent is not False)}


def _grouped(value: Any, of: Any, key: Any) -> Counting:
    """Counts per row of another table first, which an index may hold, and then per value."""

    def grouped(connection: Connection, scope: Scope) -> Counted:
        # Of all records an index counts them; of some, it would look each one up in the order of the places.
        by, terms = of, conditions(scope)
        if scope.filters != Filters():
            by, terms = of + 0, terms_of_all(connection, scope)
        some = select(by.label("of"), func.count().label("number")).where(*terms).group_by(by).subquery()
        asked = select(value, func.sum(some.c.number)).join(some, some.c.of == key).group_by(value)
        return _counted(connection.execute(asked).all())

    return grouped


def _column(value: ColumnElement[Any] | Any) -> Counting:
    def column(connection: Connection, scope: Scope) -> Counted:
        asked = select(value, func.count()).where(*terms_of_all(connection, scope)).group_by(value)
        return _counted(connection.execute(asked).all())

    return column


def _counted(rows: Iterable[Any]) -> Counted:
    return {str(value): int(number) for value, number in rows if value not in (None, "")}


def _issues(connection: Connection, scope: Scope) -> Counted:
    found = Counter[str]()
    for listed, number in _column(Sighting.issues)(connection, scope).items():
        found.update(dict.fromkeys(listed.split(";"), number))
    return found


def _flag(condition: ColumnElement[bool]) -> Counting:
    return _column(case((condition, "true"), else_="false"))


_HAS_BOTH = Sighting.decimal_latitude.is_not(None) & Sighting.decimal_longitude.is_not(None)

FIELDS: dict[str, Counting] = {
    "taxonKey": _taxon_keys,
    **{f"{rank}Key": _keys_at(rank) for rank in RANKS},
    "scientificName": _scientific_names,
    **{rank: _names_at(rank) for rank in RANKS},
    "year": _by_time("year", str),
    "month": _by_time("month", lambda bucket: str(bucket % 100)),
    "day": _by_time("day", lambda bucket: str(bucket % 100)),
    "eventDate": _by_time("day", lambda bucket: interval_text(bucket, bucket) or ""),
    "dayOfYear": _by_time("day", lambda bucket: str(day_of_year(bucket))),
    "basisOfRecord": _column(Sighting.basis_of_record),
    "occurrenceStatus": _statuses,
    "country": _grouped(Place.country_code, Sighting.place_id, Place.id),
    "stateProvince": _grouped(Place.state_province, Sighting.place_id, Place.id),
    "locality": _grouped(Place.locality, Sighting.place_id, Place.id),
    "recordedBy": _column(Sighting.recorded_by),
    "sex": _column(Sighting.sex),
    "lifeStage": _column(Sighting.life_stage),
    "issue": _issues,
    "hasCoordinate": _flag(_HAS_BOTH),
    "hasGeospatialIssue": _flag(Sighting.geospatial_issue.is_(True)),
    "feed": _feeds,
}
"""Field, as it is written in a query -> what counts its values."""
