"""Records as Parquet: typed columns, written a row group at a time. Knows no database and no web."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from api.answering.tables import json_bytes
from api.export.about import About
from db.questions.exported import FIELDS

if TYPE_CHECKING:
    from pyarrow import Schema, Table

ROWS_IN_A_GROUP = 50_000


def write_parquet(file: BinaryIO, chunks: Iterable[list[dict[str, Any]]], about: About) -> None:
    """A Parquet file of whole numbers, numbers and texts; what was asked stands in its metadata."""
    from pyarrow.parquet import ParquetWriter  # here, because it would double what a worker holds

    asked = {"version": about.version, "filters": [f"{name}={value}" for name, value in about.filters]}
    schema = _schema().with_metadata({"sightings": json_bytes(asked).strip()})
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(_table(chunk, schema) for chunk in chunks):
            writer.write_table(group, ROWS_IN_A_GROUP)


def _schema() -> Schema:
    from db.arrow import pa

    kinds = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64()}
    return pa.schema([(name, kinds[kind]) for name, kind in FIELDS.items()])


def _table(chunk: list[dict[str, Any]], schema: Schema) -> Table:
    from db.arrow import pa

    columns = [pa.array([row[one.name] for row in chunk], one.type) for one in schema]
    return pa.table(columns, schema=schema)


def _groups(tables: Iterable[Table]) -> Iterator[Table]:
    """Tables put together until they make a group that is worth its overhead."""
    from db.arrow import pa

    waiting: list[Table] = []
    for table in tables:
        waiting.append(table)
        if sum(map(len, waiting)) >= ROWS_IN_A_GROUP:
            yield pa.concat_tables(waiting)
            waiting = []
    if waiting:
        yield pa.concat_tables(waiting)
