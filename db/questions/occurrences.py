"""Records of a scope: how many there are, and a page of them; knows no envelope and no web.

A page is ordered by the key that a record is known by, the oldest first. What arrives comes behind what is
there, so that whoever pages by offset sees each old record once; an undo brings a record back to its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, select, union_all

from db.filters import Scope, conditions, scope
from db.keys import first_key
from db.models import Sighting
from db.questions import counts
from db.questions.recent import KEY
from db.questions.records import whole
from db.questions.walks import days_again, terms_of_all, unindexed, walks_for_some
from db.taxon_keys import taxonomy_run


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


def page(
    connection: Connection, found: Scope, limit: int, offset: int = 0, after: int | None = None, held: int = 0
) -> list[dict[str, Any]]:
    """At most ``limit`` records, those with keys above ``after``; ``held`` is how many the scope has."""
    walks = walks_for_some(connection, held, limit + offset)
    now = [*conditions(replace(found, as_of=None, revision=None)), *days_again(found)]
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
    terms = [unindexed(term) for term in conditions(found)]
    return [_places(KEY, *terms, Sighting.retired_run > found.as_of, after < KEY)]


def _places(known_as: Any, *terms: ColumnElement[bool]) -> Select[Any, Any]:
    return select(known_as.label("place"), Sighting.key.label("row")).where(*terms)
