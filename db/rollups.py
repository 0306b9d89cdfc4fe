"""The rollups: what a run changed, added to and taken from the counts per bucket; knows no files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from math import isclose
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Double,
    Integer,
    MetaData,
    Select,
    Table,
    and_,
    case,
    delete,
    func,
    insert,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite

from db.models import FOREVER, Rollup, Sighting, Touched

_COUNTS = ("records", "individuals", "uncounted", "absences")

_DELTA = Table(
    "delta",
    MetaData(),
    Column("feed_id", Integer),
    Column("taxon_id", Integer),
    Column("first_day", Integer),
    Column("last_day", Integer),
    Column("records", Integer),
    Column("individuals", Double),
    Column("uncounted", Integer),
    Column("absences", Integer),
    prefixes=["TEMPORARY"],
)
_WEEK_OF = Table(
    "week_of",
    MetaData(),
    Column("day", Integer, primary_key=True),
    Column("week", Integer),
    prefixes=["TEMPORARY"],
)


def iso_week(day: int) -> int:
    """The bucket of the ISO week that a day (YYYYMMDD) lies in: 20241230 -> 2025001."""
    year, week, _ = date(day // 10_000, day // 100 % 100, day % 100).isocalendar()
    return year * 1000 + week


def measures(sign: int = 1) -> list[ColumnElement[Any]]:
    """The four counts over rows of ``sighting``, times a sign."""
    present = case((Sighting.absent, 0), else_=1)
    individuals = case((Sighting.absent, 0.0), else_=func.coalesce(Sighting.individual_count, 1.0))
    uncounted = case((and_(~Sighting.absent, Sighting.individual_count.is_(None)), 1), else_=0)
    absences = case((Sighting.absent, 1), else_=0)
    sums = (present, individuals, uncounted, absences)
    return [(func.sum(value) * sign).label(name) for value, name in zip(sums, _COUNTS, strict=True)]


def roll_up(connection: Connection, run_id: int, after_key: int) -> tuple[int | None, int | None]:
    """Bring ``rollup`` and ``touched`` up to what this run added (keys above after_key) and retired.

    Returns the first and the last day that it touched, None where nothing dated was.
    """
    with _temporary(connection, _DELTA), _temporary(connection, _WEEK_OF):
        _fill_delta(connection, run_id, after_key)
        _fill_weeks(connection)
        for buckets in _grains():
            _add(connection, buckets)
        changed = Rollup.taxon_id.in_(select(_DELTA.c.taxon_id))
        connection.execute(delete(Rollup).where(changed, Rollup.records == 0, Rollup.absences == 0))
        _touch(connection, run_id)
        first, last = connection.execute(
            select(func.min(_DELTA.c.first_day), func.max(_DELTA.c.last_day))
        ).one()
    return first, last


@contextmanager
def _temporary(connection: Connection, table: Table) -> Iterator[None]:
    table.create(connection)
    yield
    table.drop(connection)


def _fill_delta(connection: Connection, run_id: int, after_key: int) -> None:
    keys = (Sighting.feed_id, Sighting.taxon_id, Sighting.first_day, Sighting.last_day)
    # A row that came and was corrected within the same input is in neither part: it never counted.
    added = (
        select(*keys, *measures())
        .where(Sighting.key > after_key, Sighting.added_run == run_id, Sighting.retired_run.is_(None))
        .group_by(*keys)
    )
    retired = (
        select(*keys, *measures(-1))
        .where(Sighting.retired_run == run_id, Sighting.added_run != run_id)
        .group_by(*keys)
    )
    connection.execute(
        insert(_DELTA).from_select([column.name for column in _DELTA.c], union_all(added, retired))
    )


def _fill_weeks(connection: Connection) -> None:
    """Which ISO week each day lies in: neither database can say it in a way the other understands."""
    spans = select(_DELTA.c.first_day, _DELTA.c.last_day).where(_DELTA.c.first_day.is_not(None)).distinct()
    days = {
        day for span in connection.execute(spans) if span.last_day - span.first_day < 9_000 for day in span
    }
    if days:
        connection.execute(insert(_WEEK_OF), [{"day": day, "week": iso_week(day)} for day in days])


def _grains() -> Iterator[Select[Any]]:
    """For each grain: the bucket of each delta row that lies wholly in one, and its counts."""
    first, last = _DELTA.c.first_day, _DELTA.c.last_day
    counted = [_DELTA.c.feed_id, _DELTA.c.taxon_id, *(_DELTA.c[name] for name in _COUNTS)]
    yield select(literal(0).label("bucket"), *counted)
    for divisor in (10_000, 100, 1):
        yield select((first // divisor).label("bucket"), *counted).where(first // divisor == last // divisor)
    starts, ends = _WEEK_OF.alias("starts"), _WEEK_OF.alias("ends")
    weeks = _DELTA.join(starts, starts.c.day == first).join(ends, ends.c.day == last)
    yield (
        select(starts.c.week.label("bucket"), *counted).select_from(weeks).where(starts.c.week == ends.c.week)
    )


def _add(connection: Connection, buckets: Select[Any]) -> None:
    part = buckets.subquery()
    keys = (part.c.bucket, part.c.taxon_id, part.c.feed_id)
    sums = [func.sum(part.c[name]) for name in _COUNTS]
    # "WHERE true" keeps SQLite from reading ON CONFLICT as a join condition.
    rows = select(*keys, *sums).where(true()).group_by(*keys)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Rollup).from_select(["bucket", "taxon_id", "feed_id", *_COUNTS], rows)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["bucket", "taxon_id", "feed_id"],
            set_={name: getattr(Rollup, name) + statement.excluded[name] for name in _COUNTS},
        )
    )


def _touch(connection: Connection, run_id: int) -> None:
    known = select(Touched.taxon_id).where(Touched.run_id == run_id)
    spans = (
        select(
            literal(run_id),
            _DELTA.c.taxon_id,
            func.min(func.coalesce(_DELTA.c.first_day, 0)),
            func.max(func.coalesce(_DELTA.c.last_day, FOREVER)),
        )
        .where(_DELTA.c.taxon_id.not_in(known))
        .group_by(_DELTA.c.taxon_id)
    )
    connection.execute(insert(Touched).from_select(["run_id", "taxon_id", "first_day", "last_day"], spans))


def wrong_rollups(connection: Connection) -> list[str]:
    """Recount every bucket from the sightings and name those that differ; empty is well."""
    keys = (Sighting.feed_id, Sighting.taxon_id, Sighting.first_day, Sighting.last_day)
    recount: dict[tuple[int, int, int], list[float]] = {}
    current = select(*keys, *measures()).where(Sighting.retired_run.is_(None)).group_by(*keys)
    for row in connection.execute(current):
        for bucket in _buckets(row.first_day, row.last_day):
            sums = recount.setdefault((bucket, row.taxon_id, row.feed_id), [0.0] * len(_COUNTS))
            for place, name in enumerate(_COUNTS):
                sums[place] += getattr(row, name)
    wrong = []
    for row in connection.execute(select(Rollup.__table__)):
        key = (row.bucket, row.taxon_id, row.feed_id)
        kept = [getattr(row, name) for name in _COUNTS]
        counted = recount.pop(key, [0.0] * len(_COUNTS))
        if not all(map(_same, kept, counted)):
            wrong.append(f"bucket {key[0]}, taxon {key[1]}, feed {key[2]}: kept {kept}, counted {counted}")
    wrong += [f"bucket {key[0]}, taxon {key[1]}, feed {key[2]}: missing" for key in recount]
    return wrong


def _same(one: float, other: float) -> bool:
    """Decimal counts that were added and taken away again may differ in their last digits."""
    return isclose(one, other, rel_tol=1e-9, abs_tol=1e-6)


def _buckets(first: int | None, last: int | None) -> list[int]:
    """The buckets that an interval of days counts in; the rule of ``_grains``, said again in Python."""
    if first is None or last is None:
        return [0]
    buckets = [0, *(first // divisor for divisor in (10_000, 100, 1) if first // divisor == last // divisor)]
    if iso_week(first) == iso_week(last):
        buckets.append(iso_week(first))
    return buckets
