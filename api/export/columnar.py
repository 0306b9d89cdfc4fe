"""Records as Parquet: typed columns, written a row group at a time. Knows no database and no web."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO

from api.export.about import About
from api.tables import json_bytes
from db.questions.exported import FIELDS

if TYPE_CHECKING:
    from pyarrow import Schema

ROWS_IN_A_GROUP = 50_000


def write_parquet(file: BinaryIO, chunks: Iterable[list[dict[str, Any]]], about: About) -> None:
    """A Parquet file of whole numbers, numbers and texts; what was asked stands in its metadata."""
    from pyarrow.parquet import ParquetWriter  # here, because it would double what a worker holds

    from db.arrow import pa

    asked = {"version": about.version, "filters": [f"{name}={value}" for name, value in about.filters]}
    schema = _schema().with_metadata({"sightings": json_bytes(asked).strip()})
    with ParquetWriter(file, schema, compression="zstd") as writer:
        for group in _groups(chunks):
            columns = [[row[name] for row in group] for name in FIELDS]
            arrays = [pa.array(cells, kind) for cells, kind in zip(columns, schema.types, strict=True)]
            writer.write_table(pa.table(arrays, schema=schema), ROWS_IN_A_GROUP)


def _schema() -> Schema:
    from db.arrow import pa

    kinds = {"text": pa.string(), "whole": pa.int64(), "number": pa.float64()}
    return pa.schema([(name, kinds[kind]) for name, kind in FIELDS.items()])


def _groups(chunks: Iterable[list[dict[str, Any]]]) -> Iterable[list[dict[str, Any]]]:
    """Chunks put together until they make a group that is worth its overhead."""
    waiting: list[dict[str, Any]] = []
    for chunk in chunks:
        waiting += chunk
        if len(waiting) >= ROWS_IN_A_GROUP:
            yield waiting
            waiting = []
    if waiting:
        yield waiting
