"""The rollups: what a run changed, added to and taken from the counts per bucket; knows no files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isclose
from typing import Any, NamedTuple

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
from db.grains import cell_of_record, cells_of, hour_bucket, hour_of, hour_of_record, iso_week
from db.models import FOREVER, Rollup, Sighting, Touched

_COUNTS = ("records", "individuals", "uncounted", "absences")


def measures(sign: int = 1) -> list[ColumnElement[Any]]:
    """The four counts over rows of ``sighting``, times a sign."""
    present = case((Sighting.absent, 0), else_=1)
    individuals = case((Sighting.absent, 0.0), else_=func.coalesce(Sighting.individual_count, 1.0))
    uncounted = case((and_(~Sighting.absent, Sighting.individual_count.is_(None)), 1), else_=0)
    absences = case((Sighting.absent, 1), else_=0)
    sums = (present, individuals, uncounted, absences)
    return [(func.sum(value) * sign).label(name) for value, name in zip(sums, _COUNTS, strict=True)]


_KEYS = ("taxon_id", "first_day", "last_day")
_BUCKET = ("bucket", "taxon_id")


class Changes(NamedTuple):
    """What a run changes of the counts: per taxon and interval of days, hour of the day, cell of the map."""

    days: pa.Table
    hours: pa.Table
    cells: pa.Table


class _Sums:
    """Rows of counts summed by some keys as they come by."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = keys
        self._parts = [_nothing(keys)]

    def add(self, rows: pa.Table) -> None:
        if len(rows):
            self._parts.append(_summed(rows, self._keys))
        if len(self._parts) > _PARTS:
            self.total()

    def total(self) -> pa.Table:
        if len(self._parts) > 1:
            self._parts = [_summed(pa.concat_tables(self._parts), self._keys)]
        return self._parts[0]


_PARTS = 8


def _nothing(keys: Sequence[str]) -> pa.Table:
    kinds = {name: pa.float64() if name == "individuals" else pa.int64() for name in (*keys, *_COUNTS)}
    return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})


class Delta:
    """What a run adds to the counts, gathered as the rows come by."""

    def __init__(self) -> None:
        self._days, self._hours, self._cells = (_Sums(keys) for keys in (_KEYS, _BUCKET, _BUCKET))

    def add(self, rows: Mapping[str, pa.Array]) -> None:
        """Count some sightings: columns under the names of ``sighting``, what is not known is null."""
        present = pc.invert(rows["absent"])
        counted = pc.if_else(present, pc.fill_null(rows["individual_count"], 1.0), 0.0)
        uncounted = pc.and_(present, pc.is_null(rows["individual_count"]))
        counts = [pc.cast(present, pa.int64()), counted]
        counts += [pc.cast(uncounted, pa.int64()), pc.cast(rows["absent"], pa.int64())]
        days = [pc.fill_null(rows[name], 0) for name in _KEYS[1:]]
        table = pa.table([rows["taxon_id"], *days, *counts], names=[*_KEYS, *_COUNTS])
        self._days.add(table)
        self._hours.add(_with_bucket(table, *_hours(rows)))
        self._cells.add(_with_bucket(table, *_cells(rows)))

    def total(self) -> Changes:
        """One row for each taxon and interval, hour or cell."""
        return Changes(self._days.total(), self._hours.total(), self._cells.total())


def _hours(rows: Mapping[str, pa.Array]) -> tuple[pa.Array, Any]:
    """Which rows have one year and a time of day, and the bucket of each of these."""
    year, other = (pc.divide(rows[name], 10_000) for name in _KEYS[1:])
    timed = pc.and_(pc.fill_null(pc.equal(year, other), False), pc.is_valid(rows["time_of_day"]))
    years, times = (column.filter(timed).to_numpy() for column in (year, rows["time_of_day"]))
    return timed, hour_bucket(years, hour_of(times))


def _cells(rows: Mapping[str, pa.Array]) -> tuple[pa.Array, Any]:
    """Which rows a map may show, and the cell of each of these."""
    north, east = rows["decimal_latitude"], rows["decimal_longitude"]
    shown = pc.and_(pc.invert(rows["geospatial_issue"]), pc.and_(pc.is_valid(north), pc.is_valid(east)))
    return shown, cells_of(*(degrees.filter(shown).to_numpy() for degrees in (north, east)))


def _with_bucket(table: pa.Table, chosen: pa.Array, buckets: Any) -> pa.Table:
    """The taxa and counts of the chosen rows, in these buckets."""
    rows = table.drop_columns(_KEYS[1:]).filter(chosen)
    return rows.add_column(0, "bucket", pa.array(buckets, pa.int64()))


_TAXA_APART = 8  # a power of two
_MANY = 200_000


def _summed(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
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
    connection: Connection, run_id: int, feed: int, after_key: int, added: Changes | None = None
) -> tuple[int | None, int | None]:
    """Bring ``rollup`` and ``touched`` up to what this run added (keys above after_key) and retired.

    ``added`` is its Delta, where all that it brought was new; otherwise the database is asked. Returns the
    first and the last day that it touched, None where nothing dated was.
    """
    changes = _changed(connection, run_id, after_key) if added is None else added
    if not len(changes.days):
        return None, None
    for grain in _GRAINS:
        _add(connection, feed, _per_bucket(changes.days, grain))
    _add(connection, feed, changes.hours)
    _add(connection, feed, changes.cells)
    _touch(connection, run_id, changes.days)
    dated = changes.days.filter(pc.greater(changes.days["first_day"], 0))
    return pc.min(dated["first_day"]).as_py(), pc.max(dated["last_day"]).as_py()


def _changed(connection: Connection, run_id: int, after_key: int) -> Changes:
    # A row that came and was corrected within the same input is in neither part: it never counted.
    added = and_(Sighting.key > after_key, Sighting.added_run == run_id, Sighting.retired_run.is_(None))
    retired = and_(Sighting.retired_run == run_id, Sighting.added_run != run_id)

    def ask(
        names: Sequence[str], keys: Sequence[ColumnElement[Any]], *terms: ColumnElement[bool]
    ) -> pa.Table:
        halves = [
            select(*keys, *measures(sign)).where(part, *terms).group_by(*keys)
            for part, sign in ((added, 1), (retired, -1))
        ]
        rows = _as_table(connection.execute(union_all(*halves)).all(), _nothing(names).schema)
        return _summed(rows, names)

    days = [func.coalesce(day, 0) for day in (Sighting.first_day, Sighting.last_day)]
    hour, timed = hour_of_record()
    cell, shown = cell_of_record()
    taxon = Sighting.__table__.c.taxon_id
    return Changes(
        ask(_KEYS, (taxon, *days)), ask(_BUCKET, (hour, taxon), timed), ask(_BUCKET, (cell, taxon), shown)
    )


def _as_table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [
        pa.array(map(_KINDS[kind.type], column), kind.type)
        for column, kind in zip(columns, schema, strict=True)
    ]
    return pa.table(arrays, schema=schema)


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
    return _summed(rows, _BUCKET)


_AT_ONCE = 50_000  # rows as Python's objects, of which each takes some 300 bytes


def _add(connection: Connection, feed: int, rows: pa.Table) -> None:
    names = (*_BUCKET, *_COUNTS)
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
    recount = _recount(connection)
    wrong = []
    for row in connection.execute(select(Rollup.__table__)):
        key = (row.bucket, row.taxon_id, row.feed_id)
        kept = [getattr(row, name) for name in _COUNTS]
        counted = recount.pop(key, [0.0] * len(_COUNTS))
        if not all(map(_same, kept, counted)):
            wrong.append(f"bucket {key[0]}, taxon {key[1]}, feed {key[2]}: kept {kept}, counted {counted}")
    wrong += [f"bucket {key[0]}, taxon {key[1]}, feed {key[2]}: missing" for key in recount]
    return wrong


def _recount(connection: Connection) -> dict[tuple[int, int, int], list[float]]:
    """Bucket, taxon and feed -> the four counts of the current sightings."""
    recount: dict[tuple[int, int, int], list[float]] = {}
    whose = (Sighting.feed_id, Sighting.taxon_id)
    days = (*whose, Sighting.first_day, Sighting.last_day)
    current = select(*days, *measures()).where(Sighting.retired_run.is_(None)).group_by(*days)
    for row in connection.execute(current):
        for bucket in _buckets(row.first_day, row.last_day):
            sums = recount.setdefault((bucket, row.taxon_id, row.feed_id), [0.0] * len(_COUNTS))
            for place, name in enumerate(_COUNTS):
                sums[place] += getattr(row, name)
    for bucket_of_record, has_one in (hour_of_record(), cell_of_record()):
        keys = (*whose, bucket_of_record.label("bucket"))
        current = select(*keys, *measures()).where(Sighting.retired_run.is_(None), has_one)
        for feed, taxon, bucket, *counted in connection.execute(current.group_by(*keys)):
            recount[bucket, taxon, feed] = counted
    return recount


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
