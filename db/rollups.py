"""The rollups: what a run changed, added to and taken from the counts per bucket; knows no files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from math import isclose
from typing import Any

import numpy as np
from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    select,
    text,
)

from db.arrow import pa
from db.beside import FileBeside, made_as, may_attach, small_cache
from db.deltas import KINDS, Delta, Numbers
from db.grains import TO_A_DAY, cell_of_record, hour_of_record, iso_week
from db.measures import COUNTS, measures
from db.models import Rollup, RollupOfAll, Sighting, Touched


def roll_up(
    connection: Connection,
    run_id: int,
    feed: int,
    after_key: int,
    added: Delta | None = None,
    ahead: FileBeside | None = None,
) -> tuple[int | None, int | None]:
    """Bring ``rollup`` and ``touched`` up to what this run added (keys above after_key) and retired.

    ``added`` is its Delta, where all that it brought was new; otherwise the database is asked. ``ahead`` is
    what ``write_ahead`` has made of it. Returns the first and the last day that the run touched, None where
    nothing dated was.
    """
    delta = _changed(connection, run_id, after_key) if added is None else added
    if not delta:
        return None, None
    if ahead is None:
        for rows in delta.rows():
            _add(connection, _ROLLUP, feed, rows)
    else:
        _take_over(connection, ahead)
    for sums in delta.of_all():
        _add(connection, _OF_ALL, feed, sums)
    _touch(connection, run_id, delta)
    return delta.days()


def write_ahead(connection: Connection, feed: int, delta: Delta) -> FileBeside | None:
    """Begin to write the rows of ``rollup`` into a file, for a feed that has none; None where that cannot be.

    It is done by another thread, while this one moves the sightings. SQLite then takes the table over, and,
    where it had none, its index too, without sorting anything.
    """
    if not may_attach(connection):
        return None
    file = FileBeside(connection, "rollup", list(made_as(connection, "table", "rollup").values()))
    file.write(_batches(feed, delta), list(made_as(connection, "index", "rollup").values()))
    return file


def _take_over(connection: Connection, ahead: FileBeside) -> None:
    ahead.attach()
    empty = connection.execute(select(~exists().where(Rollup.bucket >= 0))).scalar_one()
    with small_cache(connection, kibibytes=2_000) if empty else nullcontext():
        connection.execute(text(f"INSERT INTO rollup SELECT * FROM {ahead.schema}.rollup"))  # noqa: S608


_SCHEMA = pa.schema(
    [(name, pa.int64()) for name in ("bucket", "taxon_id", "feed_id", "records")]
    + [("individuals", pa.float64()), ("uncounted", pa.int64()), ("absences", pa.int64())]
)


def _batches(feed: int, delta: Delta) -> Iterator[pa.RecordBatch]:
    for rows in delta.rows():
        for start in range(0, len(rows.bucket), _AT_ONCE):
            some = {name: column[start : start + _AT_ONCE] for name, column in rows._asdict().items()}
            some["feed_id"] = np.full(len(some["bucket"]), feed)
            arrays = [pa.array(some[field.name], field.type) for field in _SCHEMA]
            yield pa.record_batch(arrays, schema=_SCHEMA)


def _changed(connection: Connection, run_id: int, after_key: int) -> Delta:
    # A row that came and was corrected within the same input is in neither part: it never counted.
    added = and_(Sighting.key > after_key, Sighting.added_run == run_id, Sighting.retired_run.is_(None))
    retired = and_(Sighting.retired_run == run_id, Sighting.added_run != run_id)
    days = [func.coalesce(day, 0) for day in (Sighting.first_day, Sighting.last_day)]
    delta = Delta()
    for part, sign in ((added, 1), (retired, -1)):
        for first, last, taxa, *counts in _counted(connection, days, sign, part):
            delta.add_days(first, last, taxa, counts)
        for add, (bucket, has_one) in (
            (delta.add_hours, hour_of_record()),
            (delta.add_cells, cell_of_record()),
        ):
            for buckets, taxa, *counts in _counted(connection, [bucket], sign, and_(part, has_one)):
                add(buckets, taxa, counts)
    return delta


def _counted(
    connection: Connection, keys: Sequence[ColumnElement[int]], sign: int, which: ColumnElement[bool]
) -> Iterator[list[Numbers]]:
    """The counts of some sightings per keys and taxon, as columns."""
    grouped = (*keys, Sighting.__table__.c.taxon_id)
    asked = select(*grouped, *measures(sign)).where(which).group_by(*grouped)
    kinds = [*[np.int64] * len(grouped), *KINDS]
    for rows in connection.execute(asked).partitions(_AT_ONCE):
        yield [
            # PostgreSQL sums whole numbers to decimals.
            np.fromiter(map(float if kind is np.float64 else int, column), kind, len(rows))
            for column, kind in zip(zip(*rows, strict=True), kinds, strict=True)
        ]


_AT_ONCE = 50_000  # rows as Python's objects, of which each takes some 300 bytes


def _add(connection: Connection, table: Table, feed: int, columns: Sequence[Numbers]) -> None:
    """Add to rows of one of the tables, and take out those in which nothing is counted any more."""
    keys = [column.name for column in table.primary_key if column.name != "feed_id"]
    gone = []
    for start in range(0, len(columns[0]), _AT_ONCE):
        some = [column[start : start + _AT_ONCE].tolist() for column in columns]
        values = list(zip(*some, strict=True))
        _upsert(connection, table.name, feed, keys, values)
        gone += [value[: len(keys)] for value in values if value[-4] <= 0 and value[-1] <= 0]
    if gone:
        empty = (table.c.records == 0, table.c.absences == 0, table.c.feed_id == feed)
        key = [table.c[name] == bindparam(f"of_{name}") for name in keys]
        names = [f"of_{name}" for name in keys]
        rows = [dict(zip(names, values, strict=True)) for values in gone]
        connection.execute(delete(table).where(*key, *empty), rows)


def _upsert(
    connection: Connection, table: str, feed: int, keys: Sequence[str], values: Sequence[tuple[Any, ...]]
) -> None:
    names = ", ".join((*keys, *COUNTS))
    more = ", ".join(f"{name} = {table}.{name} + excluded.{name}" for name in COUNTS)
    conflict = f"ON CONFLICT ({', '.join(keys)}, feed_id) DO UPDATE SET {more}"
    into = f"INSERT INTO {table} ({names}, feed_id)"
    if connection.dialect.name == "sqlite":
        marks = f"({', '.join('?' * (len(keys) + len(COUNTS)))}, {int(feed)})"
        connection.exec_driver_sql(f"{into} VALUES {marks} {conflict}", list(values))
        return
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE change AS SELECT {names} FROM {table} WHERE false")  # noqa: S608 - our own names
        with cursor.copy(f"COPY change ({names}) FROM STDIN") as copy:
            for value in values:
                copy.write_row(value)
        cursor.execute(f"{into} SELECT {names}, {int(feed)} FROM change {conflict}")  # noqa: S608
        cursor.execute("DROP TABLE change")


def _touch(connection: Connection, run_id: int, delta: Delta) -> None:
    known = set(connection.execute(select(Touched.taxon_id).where(Touched.run_id == run_id)).scalars())
    rows = [
        {"run_id": run_id, "taxon_id": taxon, "first_day": first, "last_day": last}
        for taxon, first, last in delta.spans()
        if taxon not in known
    ]
    if rows:
        connection.execute(insert(Touched), rows)


_ROLLUP: Table = Rollup.__table__  # type: ignore[assignment]
_OF_ALL: Table = RollupOfAll.__table__  # type: ignore[assignment]


def wrong_rollups(connection: Connection) -> list[str]:
    """Recount every bucket from the sightings and name those that differ; empty is well."""
    recount = _recount(connection)
    of_all: dict[tuple[int, ...], list[float]] = {}
    for (bucket, _, feed), sums in recount.items():
        before = of_all.get((bucket, feed), [0.0] * len(COUNTS))
        of_all[bucket, feed] = [one + other for one, other in zip(before, sums, strict=True)]
    return [
        *_differing(connection, _ROLLUP, recount, "bucket {}, taxon {}, feed {}"),
        *_differing(connection, _OF_ALL, of_all, "bucket {}, all taxa, feed {}"),
    ]


def _differing(
    connection: Connection, table: Table, recount: dict[tuple[int, ...], list[float]], called: str
) -> Iterator[str]:
    keys = [column.name for column in table.primary_key]
    for row in connection.execute(select(table)).mappings():
        key = tuple(row[name] for name in keys)
        kept = [row[name] for name in COUNTS]
        counted = recount.pop(key, [0.0] * len(COUNTS))
        if not all(map(_same, kept, counted)):
            yield f"{called.format(*key)}: kept {kept}, counted {counted}"
    yield from (f"{called.format(*key)}: missing" for key in recount)


def _recount(connection: Connection) -> dict[tuple[int, ...], list[float]]:
    """Bucket, taxon and feed -> the four counts of the current sightings."""
    recount: dict[tuple[int, ...], list[float]] = {}
    whose = (Sighting.feed_id, Sighting.taxon_id)
    days = (*whose, Sighting.first_day, Sighting.last_day)
    current = select(*days, *measures()).where(Sighting.retired_run.is_(None)).group_by(*days)
    for row in connection.execute(current):
        for bucket in _buckets(row.first_day, row.last_day):
            sums = recount.setdefault((bucket, row.taxon_id, row.feed_id), [0.0] * len(COUNTS))
            for place, name in enumerate(COUNTS):
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
    """The buckets that an interval of days counts in; the rule of ``db.deltas``, said again in Python."""
    if first is None or last is None:
        return [0]
    buckets = [0, *(first // divisor for divisor in (10_000, 100, 1) if first // divisor == last // divisor)]
    if first == last:
        buckets.append(TO_A_DAY)
    if iso_week(first) == iso_week(last):
        buckets.append(iso_week(first))
    return buckets
