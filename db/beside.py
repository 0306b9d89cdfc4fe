"""A database file beside the database, written in C (ADBC) by a thread of its own; knows no table.

ADBC brings its own SQLite, and two builds of SQLite must never have one file open at the same time: the
thread closes the file before it is attached, and the database itself is touched by Python's alone.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, groupby
from pathlib import Path

from sqlalchemy import Connection, text

from db.arrow import pa

_SUFFIX = ".staging-"
_MOST_ATTACHED = 10  # SQLite's limit; in a dry run the files of all inputs stay attached


def may_attach(connection: Connection) -> bool:
    """Whether one more file can be attached."""
    attached = connection.execute(text("PRAGMA database_list")).all()
    return len([name for _, name, _ in attached if name not in ("main", "temp")]) < _MOST_ATTACHED


@contextmanager
def small_cache(connection: Connection, kibibytes: int) -> Iterator[None]:
    """Let the database's own connection keep few pages: what is only added to is never looked at again."""
    before = connection.execute(text("PRAGMA cache_size")).scalar_one()
    connection.execute(text(f"PRAGMA cache_size=-{kibibytes}"))
    try:
        yield
    finally:
        connection.execute(text(f"PRAGMA cache_size={int(before)}"))


class FileBeside:
    """One table in a file of its own, until it is attached."""

    def __init__(self, connection: Connection, table: str, made: Sequence[str]) -> None:
        """``made`` are the statements that make the table."""
        self._connection, self._table, self._made = connection, table, made
        database = Path(str(connection.engine.url.database))
        remove_leftovers(database)
        self.path = database.with_name(f"{database.name}{_SUFFIX}{os.getpid()}-{id(self):x}")
        self.schema = f"staged_{id(self):x}"
        self.error: BaseException | None = None
        """What ended the thread."""
        self._thread: threading.Thread | None = None

    def write(self, batches: Iterator[pa.RecordBatch], then: Sequence[str] = ()) -> None:
        """Begin to write these rows, and to execute some statements after the last of them."""
        self._thread = threading.Thread(
            target=self._write, args=(batches, then), name=self._table, daemon=True
        )
        self._thread.start()

    def _write(self, batches: Iterator[pa.RecordBatch], then: Sequence[str]) -> None:
        from adbc_driver_sqlite import dbapi

        try:
            with dbapi.connect(str(self.path), autocommit=True) as database, database.cursor() as cursor:
                # Large pages cost a third less to fill; nobody needs this file after a crash.
                cursor.execute("PRAGMA page_size=32768")
                cursor.execute("PRAGMA journal_mode=OFF")
                cursor.execute("PRAGMA synchronous=OFF")
                for statement in self._made:
                    cursor.execute(statement)
                for rows in _readers(batches):
                    cursor.adbc_ingest(self._table, rows, mode="append")
                for statement in then:
                    cursor.execute(statement)
        except BaseException as error:  # noqa: BLE001 - it is raised where the rows come from
            self.error = error

    @property
    def is_written(self) -> bool:
        """Whether the thread has ended."""
        return self._thread is None or not self._thread.is_alive()

    def attach(self) -> None:
        """Wait for the last row, and open the file for the database's own connection."""
        self.wait()
        if self.error:
            raise self.error
        self._connection.execute(text(f"ATTACH :path AS {self.schema}"), {"path": str(self.path)})

    def wait(self) -> None:
        """Until the thread has ended."""
        if self._thread:
            self._thread.join()

    def discard(self) -> None:
        """Remove the file; what is attached stays readable until the connection closes."""
        self.wait()
        self.path.unlink(missing_ok=True)


def _readers(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatchReader]:
    """Batches in their order, those with the same columns together: one without any value costs, too."""
    for names, some in groupby(batches, _filled):
        chosen = (batch.select(names) for batch in some)
        first = next(chosen)
        yield pa.RecordBatchReader.from_batches(first.schema, chain([first], chosen))


def _filled(batch: pa.RecordBatch) -> list[str]:
    return [
        name
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
        if column.null_count < len(batch)
    ]


def remove_leftovers(database: Path) -> None:
    """Remove what ingesters that were killed have left beside the database; the caller holds the lock."""
    for path in database.parent.glob(f"{database.name}{_SUFFIX}*"):
        process = path.name.partition(_SUFFIX)[2].partition("-")[0]
        if process != str(os.getpid()):
            path.unlink(missing_ok=True)


def made_as(connection: Connection, kind: str, table: str) -> dict[str, str]:
    """The tables (kind "table") or indexes ("index") of this name's table, as SQLite would make them anew."""
    asked = text("SELECT name, sql FROM sqlite_master WHERE type = :kind AND tbl_name = :name AND sql > ''")
    rows = connection.execute(asked, {"kind": kind, "name": table})
    return {str(row.name): str(row.sql) for row in rows}
