"""The reader of Parquet files: typed columns -> text, some rows at a time; knows no meaning of a column.

Source: parquet.apache.org/docs/file-format; the types are Arrow's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, time
from typing import IO, TYPE_CHECKING, Any

from db.arrow import pa, pc
from ingest.formats.global_sources import origin
from ingest.formats.table import About, Table, Wanted, unique
from ingest.sources.source import DAMAGE, Source, Unreadable
from ingest.text.rows import Chunk, Columnar
from ingest.text.text import CHUNK

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

_MAGIC = b"PAR1"
_LOCKED = b"PARE"
_MOST_CELLS = 1_000_000  # of one batch
_MOST_COLUMNS = 5_000
_BUFFER = 1 << 16
_EXACT = 2**53  # whole numbers beyond it are not what was written anyway
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
    if len(leaves) > _MOST_COLUMNS:
        raise Unreadable(
            f"{source.name} has {len(leaves):,} columns, more than a table of sightings can have."
        )
    names = unique([name for name, _ in leaves])
    known = origin(names)
    return Table(names, lambda: _chunks(source), source.size, feed=known.feed, told=known.told)


@contextmanager
def _readably(source: Source) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, *DAMAGE, ValueError, OverflowError) as error:
        what = str(error).partition("\n")[0][:200].rstrip(".")
        raise Unreadable(f"{source.name} is a damaged Parquet file ({what}).") from None


def _opened(file: IO[bytes]) -> ParquetFile:
    from pyarrow.parquet import ParquetFile

    # Column by column through a small buffer: a group of rows may be larger than the memory.
    return ParquetFile(file, pre_buffer=False, buffer_size=_BUFFER, coerce_int96_timestamp_unit="us")


def _chunks(source: Source) -> Iterator[Chunk]:
    read = 0
    with _readably(source), source.open() as file:
        parquet = _opened(file)
        rows = parquet.metadata.num_rows
        size = max(1, min(CHUNK, _MOST_CELLS // max(1, len(parquet.schema))))
        for batch in parquet.iter_batches(size, use_threads=False):
            columns = [_texts(column) for _, column in _leaves(pa.Table.from_batches([batch]))]
            first, read = read + 1, read + batch.num_rows
            yield Chunk(range(first, read + 1), Columnar(columns), source.size * read // max(rows, 1))


def _leaves(table: pa.Table) -> list[tuple[str, pa.Array]]:
    """The columns with their names; of a structure those that it consists of (taxon.name)."""
    while any(pa.types.is_struct(column.type) for column in table.columns):
        table = table.flatten()
    return [
        (name, column.combine_chunks())
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]


def _texts(column: pa.Array) -> pa.Array:
    """A column as text, without nulls."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.dictionary_decode(), kind.value_type
    if pa.types.is_null(kind):
        return pa.array([""] * len(column), pa.string())
    if pa.types.is_float32(kind) or pa.types.is_float16(kind):
        # By way of their shortest text: as a double 0.1 would be 0.10000000149011612.
        column = column.cast(pa.string()).cast(pa.float64())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    elif not _needs_python(kind):
        texts = column.cast(pa.string())
        texts.validate(full=True)  # nothing else looks whether it is UTF-8
        return pc.fill_null(texts, "")
    try:
        return pa.array([_text(value) for value in column.to_pylist()], pa.string())
    except (OverflowError, pa.ArrowException, ValueError):
        # A year beyond 9999: Python has no such date, and the parser will refuse its row.
        return pc.fill_null(column.cast(pa.string()), "")


def _needs_python(kind: pa.DataType) -> bool:
    """Whether Arrow would write it otherwise than people do: 1e+15, nan, a date with a blank in it."""
    types = pa.types
    return not (
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_integer(kind)
        or types.is_boolean(kind)
        or types.is_date(kind)
        or types.is_decimal(kind)
    )


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
