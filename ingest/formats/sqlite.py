"""SQLite files that belong to other programs: their tables, and a copy to read at leisure; knows no format.

Such a file is never changed, nor is anything left beside it, and it is held no longer than its pages take to
be copied: a station that finds its database locked for some seconds gives up and loses what it heard.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingest.formats.table import Table, unique
from ingest.sources import scratch
from ingest.sources.source import Source, Unreadable, of_file
from ingest.text import text
from ingest.text.text import Chunk

_MAGIC = b"SQLite format 3\x00"
_WAL = 2
_WAIT_SECONDS = 20
_TRIES = 5


def is_sqlite(source: Source) -> bool:
    """Whether it begins like a database of SQLite."""
    return not source.path.is_dir() and source.head(16)[:16] == _MAGIC


def tables(source: Source) -> dict[str, tuple[str, ...]]:
    """Table -> its columns. Raises Unreadable."""
    with _here(source) as path, _told(source.name), _opened(path, _at_rest(path)) as database:
        return {name: _columns(database, name) for name in _names(database)}


def snapshot(source: Source) -> sqlite3.Connection:
    """A copy of the whole database as it is at one moment, on the disk, that lives as long as it is held.

    Raises Unreadable where the database stays locked, is damaged or was left in the middle of a write.
    """
    with _here(source) as path, _told(source.name):
        for _ in range(_TRIES):
            resting, before = _at_rest(path), _state(path)
            # Without a name it is a file of SQLite's own, gone with the connection.
            copy = sqlite3.connect("", isolation_level=None, check_same_thread=False)
            with _opened(path, resting) as database:
                database.backup(copy)
            if not resting or (_at_rest(path) and _state(path) == before):
                copy.text_factory = lambda value: value.decode(
                    errors="replace"
                )  # other programs write any bytes
                return copy
            copy.close()
    raise Unreadable(f"{source.name} changes faster than it can be copied: try again when it is quiet.")


@contextmanager
def _here(source: Source) -> Iterator[Path]:
    """The database as a file: itself, or unpacked from where it lies."""
    if not source.path.is_dir():
        with source.path.open("rb") as file:
            if file.read(16) == _MAGIC:
                yield source.path
                return
    with scratch.folder() as folder:
        path = folder / "unpacked.db"
        with source.open() as packed, path.open("wb") as file:
            shutil.copyfileobj(packed, file, 1 << 20)
        yield path


@contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_READONLY_ROLLBACK:
            raise Unreadable(
                f"{name} was left in the middle of a write: let the program that it belongs to open it once."
            ) from None
        raise Unreadable(f"{name} is an SQLite file that cannot be read: {error}.") from None


def _at_rest(path: Path) -> bool:
    """Whether it is in WAL mode and no program has it open, or it would have its log beside it.

    To open it as usual would then create the log, which a connection that may not write cannot remove again.
    """
    with path.open("rb") as file:
        file.seek(18)
        return file.read(1)[:1] == bytes([_WAL]) and not _log(path).exists()


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@contextmanager
def _opened(path: Path, resting: bool) -> Iterator[sqlite3.Connection]:
    """Read-only, inside one read transaction that has begun: nobody's commit comes in between."""
    how = "?mode=ro&immutable=1" if resting else "?mode=ro"
    address = path.resolve().as_uri() + how
    database = sqlite3.connect(address, _WAIT_SECONDS, uri=True, isolation_level=None)
    try:
        database.execute("BEGIN")
        database.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield database
    finally:
        database.close()


def _names(database: sqlite3.Connection) -> list[str]:
    found = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in found if not name.startswith("sqlite_")]


def _columns(database: sqlite3.Connection, table: str) -> tuple[str, ...]:
    return tuple(name for (name,) in database.execute("SELECT name FROM pragma_table_info(?)", (table,)))


def table(source: Source, sql: str, count: str) -> Table:
    """What a query finds in a snapshot of the database, as text; lines are records, from 1.

    ``count`` asks for the number of its rows. Raises Unreadable.
    """
    copy = snapshot(source)
    with _told(source.name):
        (rows,) = copy.execute(count).fetchone()
        columns = [column[0] for column in copy.execute(sql + " LIMIT 0").description]
    log = _log(source.path)

    def chunks() -> Iterator[Chunk]:
        with _told(source.name):
            cursor, done = copy.execute(sql), 0
            while found := cursor.fetchmany(text.CHUNK):
                lines = list(range(done + 1, done + len(found) + 1))
                done += len(found)
                cells = [list(map(_as_text, row)) for row in found]
                yield Chunk(lines, cells, source.size * done // rows)

    # What stands in the log is not yet in the file, and belongs to it.
    return Table(unique(columns), chunks, source.size, parts=(of_file(log),) if log.exists() else ())


def _as_text(cell: object) -> str:
    if isinstance(cell, bytes):
        return cell.decode(errors="replace")
    return "" if cell is None else str(cell)
