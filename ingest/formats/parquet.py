"""The reader of Parquet files: typed columns -> text, some rows at a time; knows no meaning of a column.

Source: parquet.apache.org/docs/file-format; the types are Arrow's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from typing import IO, TYPE_CHECKING, Any

from ingest.formats.batches import batches
from ingest.formats.global_sources import origin
from ingest.formats.table import About, Table, Wanted, unique
from ingest.source import DAMAGE, Source, Unreadable
from ingest.text import Chunk

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

_MAGIC = b"PAR1"
_LOCKED = b"PARE"
_MOST_CELLS = 500_000  # of one batch, as Python objects
_MOST_COLUMNS = 5_000
_BUFFER = 1 << 16
_EXACT = 1e15
_BETWEEN = "; "

ABOUT = About(
    text=(
        "A Parquet file of any system (OBIS, GBIF's snapshots, pandas, DuckDB, R's arrow). It is read "
        "some rows at a time. Dates and times become ISO text, empty cells stay empty, whole numbers "
        "have no .0, structures get dotted names, lists of single values are joined by '; ', anything "
        "deeper is kept as JSON. Records of OBIS and GBIF are known by their columns. The line of a "
        "record is its number in the file, from 1."
    ),
    columns={
        "id": "occurrenceID, in a file of OBIS",
        "date_year": "year, in a file of OBIS",
        "gbifid": "occurrenceID, in a file of GBIF",
        "any other column": "by its name, as in any table",
    },
    source="parquet.apache.org/docs/file-format",
)


def read(source: Source, _: Wanted) -> Table | None:
    """The rows of a Parquet file. Raises Unreadable for a broken one."""
    if source.path.is_dir() or (magic := source.head(4)) not in (_MAGIC, _LOCKED):
        return None
    if magic == _LOCKED:
        raise Unreadable(f"{source.name} is encrypted.")
    with _readably(source), source.open() as file:
        parquet = _opened(file)
        leaves = _leaves(parquet.schema_arrow.empty_table())
        rows = parquet.metadata.num_rows
    if len(leaves) > _MOST_COLUMNS:
        raise Unreadable(
            f"{source.name} has {len(leaves):,} columns, more than a table of sightings can have."
        )
    names = unique([name for name, _ in leaves])
    known = origin(names)
    return Table(names, lambda: _chunks(source, rows), source.size, feed=known.feed, told=known.told)


@contextmanager
def _readably(source: Source) -> Iterator[None]:
    from pyarrow import ArrowException

    try:
        yield
    except (ArrowException, *DAMAGE, ValueError, OverflowError) as error:
        what = str(error).partition("\n")[0][:200].rstrip(".")
        raise Unreadable(f"{source.name} is a damaged Parquet file ({what}).") from None


def _opened(file: IO[bytes]) -> ParquetFile:
    from pyarrow.parquet import ParquetFile

    # Column by column through a small buffer: a group of rows may be larger than the memory.
    return ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER, coerce_int96_timestamp_unit="us")


def _chunks(source: Source, rows: int) -> Iterator[Chunk]:
    read = [0]

    def numbered() -> Iterator[tuple[int, list[str]]]:
        for row in _rows(source):
            read[0] += 1
            yield read[0], row

    return batches(numbered(), lambda: source.size * read[0] // max(rows, 1))


def _rows(source: Source) -> Iterator[list[str]]:
    import pyarrow as pa

    with _readably(source), source.open() as file:
        parquet = _opened(file)
        size = max(1, _MOST_CELLS // max(1, len(parquet.schema)))
        for batch in parquet.iter_batches(size, use_threads=False):
            leaves = _leaves(pa.Table.from_batches([batch]))
            yield from map(list, zip(*(_texts(column) for _, column in leaves), strict=True))


def _leaves(table: pa.Table) -> list[tuple[str, pa.ChunkedArray]]:
    """The columns with their names; of a structure those that it consists of (taxon.name)."""
    import pyarrow as pa

    while any(pa.types.is_struct(column.type) for column in table.columns):
        table = table.flatten()
    return list(zip(table.column_names, table.columns, strict=True))


def _texts(column: pa.ChunkedArray) -> list[str]:
    import pyarrow as pa

    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif pa.types.is_float32(kind) or pa.types.is_float16(kind):
        # As a double 0.1 would be 0.10000000149011612.
        column = column.cast(pa.string())
        return ["" if value is None or value == "nan" else value for value in column.to_pylist()]
    try:
        return [_text(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):
        # A year beyond 9999: Python has no such date, and the parser will refuse its row.
        return ["" if value is None else value for value in column.cast(pa.string()).to_pylist()]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, list | dict):
        return _nested(value)
    return _scalar(value)


def _number(value: float) -> str:
    if value != value:
        return ""  # pandas writes NaN where there is nothing
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)


def _scalar(value: Any) -> str:
    if isinstance(value, date | time):  # a datetime is a date too
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    return str(value)


def _nested(value: list[Any] | dict[str, Any]) -> str:
    if not value:
        return ""
    if isinstance(value, list) and not any(isinstance(one, list | dict | tuple) for one in value):
        return _BETWEEN.join(_text(one) for one in value if one is not None)
    return json.dumps(value, ensure_ascii=False, default=_scalar)
