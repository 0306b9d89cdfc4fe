"""Counts per taxon and bucket, behind most reports: from rollups where they can answer, else from records."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, cast, func, literal, or_, select

from db.filters import Scope, last_day_of_month
from db.former import labels_as_of, names_as_of
from db.grains import iso_week
from db.measures import measures
from db.models import FOREVER, Rollup, RollupOfAll, Sighting
from db.questions.names import names_in
from db.questions.walks import terms_of_all

_GRAINS = {
    "year": (1_000, 9_999),
    "month": (100_000, 999_999),
    "week": (1_000_000, 9_999_999),
    "day": (10_000_000, FOREVER),
}
_DIVISORS = {"year": 10_000, "month": 100, "day": 1}
ALL_TAXA = 0
"""The taxon of a Count that is summed over all taxa of the scope; no taxon has this id."""


class Count(NamedTuple):
    """What is known of one taxon in one bucket (see Rollup; an hour is YYYYMMDDHH); bucket 0 is all time."""

    taxon_id: int
    bucket: int
    records: int
    individuals: float
    uncounted: int
    absences: int


def totals(connection: Connection, scope: Scope, *, apart: bool = True) -> list[Count]:
    """One Count per taxon over the whole scope, undated sightings too where no dates are asked for.

    Not ``apart``, all taxa are summed into one Count of ALL_TAXA; none where there is nothing to sum.
    """
    grain, of = _one_bucket(scope), rollups(scope, apart)
    if grain is not None:
        return from_rollups(connection, scope, of.bucket == grain, literal(0), of, apart=apart)
    taxon = _taxon(Sighting.taxon_id, apart)
    asked = select(taxon, literal(0), *measures()).where(*terms_of_all(connection, scope)).group_by(taxon)
    return [Count(*row) for row in connection.execute(asked)]


def per_bucket(connection: Connection, scope: Scope, interval: str, *, apart: bool = True) -> list[Count]:
    """Counts per taxon and bucket of this interval; without the sightings that no single bucket holds.

    Not ``apart``, the database sums all taxa: as many Counts of ALL_TAXA as there are buckets.
    """
    of = rollups(scope, apart)
    rollup = rollup_of(scope, interval, of)
    if rollup is not None:
        return from_rollups(connection, scope, *rollup, of, apart=apart)
    if interval == "week":
        return _by_week(connection, scope, apart)
    (bucket, precise), taxon = precise_bucket(interval), _taxon(Sighting.taxon_id, apart)
    asked = select(taxon, bucket, *measures()).where(*terms_of_all(connection, scope), precise)
    return [Count(*row) for row in connection.execute(asked.group_by(taxon, bucket))]


Rollups = type[Rollup] | type[RollupOfAll]


def rollups(scope: Scope, apart: bool) -> Rollups:
    """Where fewest rows have to be read: where all taxa are summed, that has been done already."""
    return Rollup if apart or scope.taxa is not None else RollupOfAll


def _taxon(column: Any, apart: bool) -> ColumnElement[int]:
    """What to group by beside the bucket."""
    return column if apart else literal(ALL_TAXA)


def rolled_up(scope: Scope, interval: str | None = None) -> bool:
    """Whether the rollups answer: per bucket of this interval, or the totals, if none is named."""
    return _one_bucket(scope) is not None if interval is None else rollup_of(scope, interval) is not None


def _one_bucket(scope: Scope) -> int | None:
    """The bucket that holds exactly what the scope covers; None where only the records can tell."""
    filters = scope.filters
    if scope.revision is not None or filters.needs_records or filters.months:
        return None
    if not filters.days and not filters.years:
        return 0
    first, last = filters.outer_days
    spans = len(filters.days) + len(filters.years)
    if spans == 1 and first // 10_000 == last // 10_000 and first % 10_000 == 101 and last % 10_000 == 1231:
        return first // 10_000
    return None


def rollup_of(
    scope: Scope, interval: str, of: Rollups = Rollup
) -> tuple[ColumnElement[bool], ColumnElement[int]] | None:
    """Which rollup rows answer, and the bucket of each; None where only the records can."""
    filters = scope.filters
    kept = interval != "hour" and not (filters.months and interval == "week")
    if scope.revision is not None or filters.needs_records or not kept:
        return None
    grain = "month" if filters.months and interval == "year" else interval
    terms: list[ColumnElement[bool]] = []
    lowest, highest = _GRAINS[grain]
    for spans in filter(None, (filters.days, filters.day_spans)):
        buckets = [ends for first, last in spans if (ends := _aligned(grain, first, last))]
        if len(buckets) < len(spans):
            return None
        terms.append(or_(*(of.bucket.between(*ends) for ends in buckets)))
        lowest, highest = max(lowest, min(buckets)[0]), min(highest, max(last for _, last in buckets))
    # First and in one piece: of several ranges of one column SQLite walks through the first.
    terms.insert(0, of.bucket.between(lowest, highest))
    if filters.months:
        terms.append((of.bucket // (100 if grain == "day" else 1) % 100).in_(filters.months))
    # The bare column where it will do: its rows lie in the order of the table's key, and need no sorting.
    bucket: Any = of.bucket if grain == interval else of.bucket // 100
    return and_(*terms), bucket


def _aligned(grain: str, first: int, last: int) -> tuple[int, int] | None:
    """The first and last bucket of this grain if the days begin and end with one, else None."""
    if grain == "week":
        return None  # weeks seldom begin where people's dates do; the records answer
    lowest, highest = _GRAINS[grain]
    if grain == "day":
        return first or lowest, last
    if first and first % 10_000 != 101 and not (grain == "month" and first % 100 == 1):
        return None
    ends_year = last == FOREVER or last % 10_000 == 1231
    if not ends_year and not (grain == "month" and last == last_day_of_month(last // 100)):
        return None
    divisor = _DIVISORS[grain]
    return first // divisor or lowest, highest if last == FOREVER else last // divisor


def from_rollups(
    connection: Connection,
    scope: Scope,
    rows: ColumnElement[bool],
    bucket: ColumnElement[int],
    of: Rollups = Rollup,
    *,
    apart: bool = True,
) -> list[Count]:
    """Counts per taxon and whatever ``bucket`` makes of the buckets of these rows of rollups."""
    keys = (bucket, Rollup.taxon_id) if apart else (bucket,)
    asked = select(_taxon(Rollup.taxon_id, apart), bucket, *summed(of)).where(rows, *of_scope(scope, of))
    return [Count(*row) for row in connection.execute(asked.group_by(*keys))]


def summed(of: Rollups) -> list[ColumnElement[Any]]:
    """The four counts, summed; PostgreSQL sums 64-bit integers to decimals, and a count stays an integer."""
    columns = (of.records, of.individuals, of.uncounted, of.absences)
    return [cast(func.sum(column), column.type).label(column.key) for column in columns]


def of_scope(scope: Scope, of: Rollups) -> list[ColumnElement[bool]]:
    """The taxa and feeds of a scope as conditions on rollups."""
    terms: list[ColumnElement[bool]] = [] if scope.feeds is None else [of.feed_id.in_(scope.feeds)]
    return terms if scope.taxa is None else [*terms, Rollup.taxon_id.in_(scope.taxa)]


def precise_bucket(interval: str) -> tuple[ColumnElement[Any], ColumnElement[bool]]:
    """The bucket of a sighting (not a week, which no database tells), and whether it lies in one at all."""
    first, last = Sighting.first_day, Sighting.last_day
    if interval == "hour":
        hour = cast(first, BigInteger) * 100 + Sighting.time_of_day // 3600
        return hour, and_(first == last, Sighting.time_of_day.is_not(None))
    divisor = _DIVISORS[interval]
    return first // divisor, first // divisor == last // divisor


def _by_week(connection: Connection, scope: Scope, apart: bool) -> list[Count]:
    keys = (_taxon(Sighting.taxon_id, apart), Sighting.first_day, Sighting.last_day)
    terms = (*terms_of_all(connection, scope), Sighting.first_day.is_not(None))
    asked = select(*keys, *measures()).where(*terms).group_by(*keys)
    weeks: dict[tuple[int, int], list[float]] = {}
    for taxon, first, last, *sums in connection.execute(asked):
        if iso_week(first) == iso_week(last):
            held = weeks.setdefault((taxon, iso_week(first)), [0, 0.0, 0, 0])
            weeks[taxon, iso_week(first)] = [one + other for one, other in zip(held, sums, strict=True)]
    return [Count(taxon, week, *sums) for (taxon, week), sums in weeks.items()]  # type: ignore[arg-type]


class TaxonLabel(NamedTuple):
    """What a taxon is called."""

    name: str
    scientific_name: str | None
    vernacular_name: str | None


def labels(
    connection: Connection, taxa: list[int], as_of: int | None, language: str = ""
) -> dict[int, TaxonLabel]:
    """The names of these taxa as of a data version (the scope's), or of today; who was unknown has none.

    Of today, vernacular names are those of the language where it has one for a taxon.
    """
    found: dict[int, TaxonLabel] = {}
    called = labels_as_of(as_of).c
    named = select(called.id, called.name, called.scientific_name, called.vernacular_name)
    for start in range(0, len(taxa), 500):
        rows = connection.execute(named.where(called.id.in_(taxa[start : start + 500])))
        found.update((row[0], TaxonLabel(*row[1:])) for row in rows)
    spoken = names_in(connection, language) if as_of is None else {}
    for taxon in found.keys() & spoken.keys():
        found[taxon] = found[taxon]._replace(vernacular_name=spoken[taxon])
    return found


def spelling(connection: Connection, name: str, as_of: int | None) -> str | None:
    """A name as the data writes it (Deer for deer); None where nothing goes by it."""
    known = names_as_of(as_of).c
    written = select(known.name).where(known.name_key == name.casefold())
    return connection.execute(written.order_by(known.taxon_id, known.kind).limit(1)).scalar()
