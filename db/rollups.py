"""The rollups: what a run changed, added to and taken from the counts per bucket; knows no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isclose
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    union_all,
)

from db.arrow import pa, pc
from db.models import FOREVER, Rollup, Sighting, Touched

_COUNTS = ("records", "individuals", "uncounted", "absences")


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


_KEYS = ("taxon_id", "first_day", "last_day")


@dataclass
class Delta:
    """What a run adds to the counts, per taxon and interval of days, gathered as the rows come by."""

    _parts: list[pa.Table] = field(default_factory=list)

    def add(self, rows: Mapping[str, pa.Array]) -> None:
        """Count some sightings: columns under the names of ``sighting``, an undated one with null days."""
        present = pc.invert(rows["absent"])
        counted = pc.if_else(present, pc.fill_null(rows["individual_count"], 1.0), 0.0)
        uncounted = pc.and_(present, pc.is_null(rows["individual_count"]))
        columns = [rows["taxon_id"], *(pc.fill_null(rows[name], 0) for name in _KEYS[1:])]
        columns += [pc.cast(present, pa.int64()), counted]
        columns += [pc.cast(uncounted, pa.int64()), pc.cast(rows["absent"], pa.int64())]
        self._parts.append(_summed(pa.table(columns, names=[*_KEYS, *_COUNTS])))
        if len(self._parts) > _PARTS:
            self.total()

    def total(self) -> pa.Table:
        """One row for each taxon and interval."""
        if len(self._parts) > 1:
            self._parts = [_summed(pa.concat_tables(self._parts))]
        return self._parts[0] if self._parts else _EMPTY


_PARTS = 8
_EMPTY = pa.table(
    {name: pa.array([], pa.float64() if name == "individuals" else pa.int64()) for name in (*_KEYS, *_COUNTS)}
)


_TAXA_APART = 8  # a power of two
_MANY = 200_000


def _summed(rows: pa.Table, keys: Sequence[str] = _KEYS) -> pa.Table:
    """One row for each combination of keys, one of which is the taxon.

    Of many rows some taxa come after the others: to sum takes several times the memory of what is summed.
    """
    if len(rows) <= _MANY:
        return _grouped(rows, keys)
    share = pc.bit_wise_and(rows["taxon_id"], _TAXA_APART - 1)
    return pa.concat_tables(
        [_grouped(rows.filter(pc.equal(share, number)), keys) for number in range(_TAXA_APART)]
    )


def _grouped(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    grouped = rows.group_by(list(keys), use_threads=False).aggregate([(name, "sum") for name in _COUNTS])
    return grouped.rename_columns([name.removesuffix("_sum") for name in grouped.column_names])


def roll_up(
    connection: Connection, run_id: int, feed: int, after_key: int, added: pa.Table | None = None
) -> tuple[int | None, int | None]:
    """Bring ``rollup`` and ``touched`` up to what this run added (keys above after_key) and retired.

    ``added`` is its Delta, where all that it brought was new; otherwise the database is asked. Returns the
    first and the last day that it touched, None where nothing dated was.
    """
    delta = _changed(connection, run_id, after_key) if added is None else added
    if not len(delta):
        return None, None
    for grain in _GRAINS:
        _add(connection, feed, _per_bucket(delta, grain))
    _touch(connection, run_id, delta)
    dated = delta.filter(pc.greater(delta["first_day"], 0))
    return pc.min(dated["first_day"]).as_py(), pc.max(dated["last_day"]).as_py()


def _changed(connection: Connection, run_id: int, after_key: int) -> pa.Table:
    keys = (Sighting.taxon_id, *(func.coalesce(day, 0) for day in (Sighting.first_day, Sighting.last_day)))
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
    rows = connection.execute(union_all(added, retired)).all()
    columns = zip(*rows, strict=True) if rows else ((),) * len(_EMPTY.schema)
    arrays = [
        pa.array(map(_KINDS[kind.type], column), kind.type)
        for column, kind in zip(columns, _EMPTY.schema, strict=True)
    ]
    return pa.table(arrays, schema=_EMPTY.schema)


_KINDS = {pa.int64(): int, pa.float64(): float}
"""PostgreSQL sums whole numbers to decimals."""


def _day(first: Any, last: Any) -> Any:
    return np.where(first == last, first, 0)


def _week(first: Any, last: Any) -> Any:
    """The ISO week that both ends lie in: neither database can say it in a way the other understands."""
    days, places = np.unique(np.concatenate([first, last]), return_inverse=True)
    weeks = np.array([iso_week(day) if day else -1 for day in days.tolist()], np.int64)[places]
    starts, ends = np.split(weeks, 2)
    return np.where(starts == ends, starts, 0)


def _year_or_month(divisor: int) -> Callable[[Any, Any], Any]:
    return lambda first, last: np.where(first // divisor == last // divisor, first // divisor, 0)


_GRAINS: tuple[Callable[[Any, Any], Any] | None, ...] = (
    None, _year_or_month(10_000), _year_or_month(100), _day, _week,
)  # fmt: skip
"""For each grain the bucket of an interval of days, 0 for one that lies in none; None stands for all time."""


def _per_bucket(delta: pa.Table, grain: Callable[[Any, Any], Any] | None) -> pa.Table:
    """The rows of ``rollup`` of one grain that change: bucket, taxon and counts."""
    first, last = (delta[name].to_numpy() for name in _KEYS[1:])
    buckets = np.zeros_like(first) if grain is None else np.where(first > 0, grain(first, last), 0)
    rows = delta.drop_columns(_KEYS[1:]).append_column("bucket", pa.array(buckets))
    if grain is not None:
        rows = rows.filter(pc.greater(rows["bucket"], 0))
    return _summed(rows, ("bucket", "taxon_id"))


_AT_ONCE = 50_000  # rows as Python's objects, of which each takes some 300 bytes


def _add(connection: Connection, feed: int, rows: pa.Table) -> None:
    names = ("bucket", "taxon_id", *_COUNTS)
    gone = []
    # In the order of the table's key, so that its pages are filled one after the other.
    order = pc.sort_indices(rows, sort_keys=[("bucket", "ascending"), ("taxon_id", "ascending")])
    for start in range(0, len(rows), _AT_ONCE):
        some = rows.take(order.slice(start, _AT_ONCE))
        values = list(zip(*(some[name].to_pylist() for name in names), strict=True))
        _upsert(connection, feed, values)
        gone += [value[:2] for value in values if value[2] <= 0 and value[5] <= 0]
    if gone:
        empty = (Rollup.records == 0, Rollup.absences == 0, Rollup.feed_id == feed)
        key = (Rollup.bucket == bindparam("of_bucket"), Rollup.taxon_id == bindparam("of_taxon"))
        connection.execute(
            delete(_ROLLUP).where(*key, *empty),
            [{"of_bucket": bucket, "of_taxon": taxon} for bucket, taxon in gone],
        )


def _upsert(connection: Connection, feed: int, values: Sequence[tuple[Any, ...]]) -> None:
    names = f"bucket, taxon_id, {', '.join(_COUNTS)}"
    more = ", ".join(f"{name} = rollup.{name} + excluded.{name}" for name in _COUNTS)
    conflict = f"ON CONFLICT (bucket, taxon_id, feed_id) DO UPDATE SET {more}"
    into = f"INSERT INTO rollup ({names}, feed_id)"
    if connection.dialect.name == "sqlite":
        marks = f"({', '.join('?' * (2 + len(_COUNTS)))}, {int(feed)})"
        connection.exec_driver_sql(f"{into} VALUES {marks} {conflict}", list(values))
        return
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE change AS SELECT {names} FROM rollup WHERE false")  # noqa: S608 - our own names
        with cursor.copy(f"COPY change ({names}) FROM STDIN") as copy:
            for value in values:
                copy.write_row(value)
        cursor.execute(f"{into} SELECT {names}, {int(feed)} FROM change {conflict}")  # noqa: S608
        cursor.execute("DROP TABLE change")


def _touch(connection: Connection, run_id: int, delta: pa.Table) -> None:
    known = set(connection.execute(select(Touched.taxon_id).where(Touched.run_id == run_id)).scalars())
    undated = pc.equal(delta["first_day"], 0)
    spans = delta.set_column(2, "last_day", pc.if_else(undated, FOREVER, delta["last_day"]))
    spans = spans.group_by("taxon_id").aggregate([("first_day", "min"), ("last_day", "max")])
    columns = (spans[name].to_pylist() for name in ("taxon_id", "first_day_min", "last_day_max"))
    rows = [
        {"run_id": run_id, "taxon_id": taxon, "first_day": first, "last_day": last}
        for taxon, first, last in zip(*columns, strict=True)
        if taxon not in known
    ]
    if rows:
        connection.execute(insert(Touched), rows)


_ROLLUP: Table = Rollup.__table__  # type: ignore[assignment]


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
