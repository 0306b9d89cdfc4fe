"""Where the rows of one input wait for one set-based decision, which it does not know.

PostgreSQL: a temporary table, filled by COPY. SQLite: a temporary table too, or, where the rows are many, a
file beside the database that is written by another thread in C (ADBC) while this one understands the next
rows, and attached when it is complete.
"""

from __future__ import annotations

import queue
import re
from binascii import hexlify
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import filterfalse
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, text

from db.arrow import pa, pc
from db.beside import FileBeside, made_as, may_attach
from db.memory import give_back
from db.models import Sighting

Columns = Mapping[str, pa.Array]

STAGING = Table(
    "staging",
    MetaData(),
    *(
        Column(column.name, column.type, primary_key=column.primary_key, autoincrement=False)
        for column in Sighting.__table__.c
    ),
    prefixes=["TEMPORARY"],
)
"""In the shape of ``sighting``, with the key that each row will have if it is new."""

FEW = 20_000
"""So many rows are not worth a file and a thread."""
_KINDS = {
    "fingerprint": pa.binary(),
    **dict.fromkeys(("individual_count", "decimal_latitude", "decimal_longitude"), pa.float64()),
    "coordinate_uncertainty": pa.float64(),
    **dict.fromkeys(("occurrence_id", "basis_of_record", "recorded_by", "sex", "life_stage"), pa.string()),
    **dict.fromkeys(("issues", "verbatim"), pa.string()),
}
"""Of what is no whole number; truth is one too."""


class Staging:
    """The staged rows of one run."""

    def __init__(self, connection: Connection, feed: int, run: int, after_key: int) -> None:
        """``after_key`` is the newest key that there is: the rows get those above it."""
        self.rows = 0
        self.file: StagingFile | None = None
        self._connection, self._after = connection, after_key
        self._constants = {"feed_id": feed, "added_run": run}
        self._waiting: list[pa.Table] = []
        self._columns = _columns_of_sighting(connection)

    def add(self, columns: Columns) -> None:
        """Stage some rows: columns of equal length under the names of STAGING, ``number`` for the key.

        What is not given is null. Raises whatever the database says.
        """
        table = self._shaped(columns)
        self.rows += len(table)
        if self._connection.dialect.name == "postgresql":
            if self.rows == len(table):
                STAGING.create(self._connection)
            _copy(self._connection, table)
        elif self.file:
            self.file.put(table)
        else:
            self._waiting.append(table)
            if self.rows > FEW and may_attach(self._connection):
                self.file = StagingFile(self._connection)
                for one in self._waiting:
                    self.file.put(one)
                self._waiting = []

    def _shaped(self, columns: Columns) -> pa.Table:
        number = len(columns["number"])
        given = dict(columns)
        given["key"] = pc.add(given.pop("number"), self._after)
        given |= {name: pa.repeat(pa.scalar(value), number) for name, value in self._constants.items()}
        if given["occurrence_id"].null_count:
            given["occurrence_id"] = pc.coalesce(given["occurrence_id"], _first_names(given["fingerprint"]))
        kinds = [_KINDS.get(name, pa.int64()) for name in self._columns]
        arrays = [
            pc.cast(given[name], kind) if name in given else pa.nulls(number, kind)
            for name, kind in zip(self._columns, kinds, strict=True)
        ]
        return pa.table(arrays, names=self._columns)

    def close(self) -> None:
        """All rows are there: make them one table that statements can speak of."""
        if self.file:
            self.file.attach()
            # What understanding them took is given back before sorting them takes its own.
            give_back()
        elif self._connection.dialect.name == "sqlite":
            STAGING.create(self._connection)
            marks = ",".join("?" * len(self._columns))
            insert = f"INSERT INTO staging ({', '.join(map(_quoted, self._columns))}) VALUES ({marks})"  # noqa: S608
            for table in self._waiting:
                rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
                if rows:
                    self._connection.exec_driver_sql(insert, rows)
            self._waiting = []
        elif not self.rows:
            STAGING.create(self._connection)

    def drop(self) -> None:
        """Forget them: a connection that goes back to a pool must not keep them."""
        if self.file:
            # Its file goes with the connection; only its name must be free for the next input.
            self._connection.execute(text(f"ALTER TABLE {self.file.schema}.staging RENAME TO merged"))
            self.file.discard()
            # What merging so many rows took is given back before the rollups take theirs.
            self._connection.execute(text("PRAGMA shrink_memory"))
        else:
            STAGING.drop(self._connection)

    def abandon(self) -> None:
        """Leave no file and no thread behind, whatever has happened."""
        if self.file:
            self.file.discard()


def _first_names(fingerprints: pa.Array) -> pa.Array:
    """The names of rows that have none, as long as none of them comes twice: ``fingerprint-1``."""
    return pc.binary_join_element_wise(_hexed(fingerprints), "1", "-")


def _hexed(fingerprints: pa.Array) -> pa.Array:
    buffer = pa.py_buffer(hexlify(b"".join(fingerprints.to_pylist())))
    hexed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(32), len(fingerprints), [None, buffer])
    return hexed.cast(pa.binary()).cast(pa.string())


def _columns_of_sighting(connection: Connection) -> list[str]:
    """The names of its columns in the order in which they stand in the file."""
    if connection.dialect.name == "sqlite":
        return [str(row.name) for row in connection.execute(text("PRAGMA table_info(sighting)"))]
    return [column.name for column in STAGING.c]


def _quoted(name: str) -> str:
    return f'"{name}"'


class StagingFile:
    """A database file of its own for many rows, written while the next ones are understood."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # The very shape of sighting: then SQLite moves whole records, without taking them apart.
        table = made_as(connection, "table", "sighting")["sighting"]
        indexes = made_as(connection, "index", "sighting").values()
        made = [table.replace(" AUTOINCREMENT", ""), *filterfalse(of_current_rows, indexes)]
        self._file = FileBeside(connection, "staging", [_renamed(one) for one in made])
        self.schema = self._file.schema
        self._queue: queue.Queue[pa.RecordBatch | None] = queue.Queue(2)
        self._begun = False

    def put(self, table: pa.Table) -> None:
        """Hand over some rows."""
        if not self._begun:
            self._begun = True
            self._file.write(self._batches())
        for batch in table.to_batches():
            self._hand(batch)

    def _hand(self, batch: pa.RecordBatch | None) -> None:
        while True:
            if self._file.error:
                raise self._file.error
            with suppress(queue.Full):
                self._queue.put(batch, timeout=1)
                return

    def _batches(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._queue.get()) is not None:
            yield batch

    def attach(self) -> None:
        """Close it for the writing thread and open it for the database's own connection."""
        self._hand(None)
        self._file.attach()

    def discard(self) -> None:
        """End the thread and remove the file; what is attached stays readable until the connection closes."""
        if not self._file.is_written:
            with suppress(queue.Empty):
                while True:
                    self._queue.get_nowait()
            self._queue.put(None)
        self._file.discard()


def of_current_rows(index: str) -> bool:
    """Whether an index of ``sighting`` holds what comes in; the others stay empty until a row is retired."""
    return index.endswith("retired_run IS NULL")


def _renamed(statement: str) -> str:
    return re.sub(r"\bsighting\b", "staging", statement, count=1)


def _copy(connection: Connection, table: pa.Table) -> None:
    from pyarrow import csv

    place = table.schema.get_field_index("fingerprint")
    hexed = _hexed(table.column(place))
    table = table.set_column(place, "fingerprint", pc.binary_join_element_wise("\\x", hexed, ""))
    for name in ("absent", "geospatial_issue"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, pc.cast(table.column(place), pa.bool_()))
    sink = pa.BufferOutputStream()
    csv.write_csv(table, sink, csv.WriteOptions(include_header=False, quoting_style="all_valid"))
    names = ", ".join(map(_quoted, table.column_names))
    raw: Any = connection.connection.dbapi_connection
    with raw.cursor() as cursor, cursor.copy(f"COPY staging ({names}) FROM STDIN (FORMAT csv)") as copy:
        copy.write(sink.getvalue().to_pybytes())
