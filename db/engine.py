"""How to reach the database: a writing and a reading engine, SQLite or PostgreSQL by URL; knows no tables."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from db.file import DatabaseUnusable, follow, hold, read_only
from db.stop import breaks_off

WRITER_WAITS_SECONDS = 30
READER_WAITS_SECONDS = 2
_VM_STEPS_BETWEEN_LOOKS = 20_000
LARGE_LOG = 8 << 20
"""Bytes from which on SQLite's log should be cut."""
_LOG_WAITS_SECONDS = 6.0
_VM_STEPS_BETWEEN_SIGNALS = 500_000


def is_sqlite(url: str) -> bool:
    """Whether this URL is SQLite's."""
    return make_url(url).get_backend_name() == "sqlite"


def sqlite_path(url: str) -> Path:
    """The file behind an SQLite URL. Raises DatabaseUnusable for one that lives in memory."""
    name = make_url(url).database
    if not name or name == ":memory:":
        raise DatabaseUnusable(
            "The database must be a file: an SQLite database in memory cannot be shared with the server."
        )
    return Path(name)


def open_writer(url: str) -> Engine:
    """The engine of the one ingester: real transactions, durable commits.

    SQLite gets ``BEGIN IMMEDIATE`` (a transaction that reads first and writes later would fail at once when
    another connection wrote in between, whatever the timeout) and WAL, read back because a network file
    system refuses it in silence.
    """
    if not is_sqlite(url):
        name = {"application_name": f"sightings-ingest {os.getpid()}"}
        return create_engine(url, pool_pre_ping=True, poolclass=NullPool, connect_args=name)
    path = sqlite_path(url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnusable(f"{path.parent} cannot be made: {error.strerror}.") from None
    file = URL.create("sqlite", database=str(path))
    engine = create_engine(file, poolclass=NullPool, connect_args={"timeout": WRITER_WAITS_SECONDS})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        # Of a new file; half as many pages cost a twentieth less of a large ingest.
        connection.execute("PRAGMA page_size=8192")
        mode = _switch_to_wal(connection)
        if mode != "wal":
            raise DatabaseUnusable(
                f"SQLite could not switch {path} to WAL (it says {mode!r}): put the database on a local disk."
            )
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-32768")
        # A signal reaches Python between two instructions of its own; a long statement has to look itself.
        connection.set_progress_handler(breaks_off, _VM_STEPS_BETWEEN_SIGNALS)

    hold(engine, path)
    _begin_with(engine, "BEGIN IMMEDIATE")
    return engine


def _switch_to_wal(connection: sqlite3.Connection) -> str:
    """The journal mode after asking for WAL; waits itself for others that open the same new file.

    SQLite's own waiting does not hold here: of two that switch at once, one is told "locked" immediately.
    """
    deadline = time.monotonic() + WRITER_WAITS_SECONDS
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def shrink_log(writer: Engine) -> None:
    """Take what SQLite has logged over into the file, and cut the log; for the holder of the lock.

    A reader that is under way keeps the log from being cut. For one that has grown large it is worth waiting
    until that reader, whose time is limited, has ended.
    """
    if writer.dialect.name != "sqlite":
        return
    log = Path(f"{writer.url.database}-wal")
    if not log.exists() or not log.stat().st_size:
        return
    patience = _LOG_WAITS_SECONDS if log.stat().st_size > LARGE_LOG else 0.0
    with writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        raw: Any = connection.connection.dbapi_connection
        raw.execute(f"PRAGMA busy_timeout={int(patience * 1000)}")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def open_reader(url: str, time_limit: float = 5.0) -> Engine:
    """The engine of everyone who only looks: it cannot write and sees one snapshot per transaction.

    A statement that takes longer than ``time_limit`` seconds is stopped.
    """
    if not is_sqlite(url):
        milliseconds = int(time_limit * 1000)
        options = f"-c default_transaction_read_only=on -c statement_timeout={milliseconds}"
        return create_engine(
            url,
            pool_pre_ping=True,
            pool_timeout=READER_WAITS_SECONDS,
            isolation_level="REPEATABLE READ",
            connect_args={"application_name": "sightings-web", "options": options, "connect_timeout": 3},
        )
    file = URL.create("sqlite", database=read_only(sqlite_path(url)), query={"uri": "true"})
    engine = create_engine(
        file,
        pool_timeout=READER_WAITS_SECONDS,
        connect_args={"timeout": READER_WAITS_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        connection.execute("PRAGMA query_only=1")

    follow(engine, sqlite_path(url))
    _begin_with(engine, "BEGIN")
    _limit_queries(engine, time_limit)
    return engine


LOOK: dict[str, Any] = {"sightings_begin": "BEGIN"}
"""Execution options for a transaction of the writer that only looks: it waits for nobody who writes."""


def _begin_with(engine: Engine, statement: str) -> None:
    """Send our own BEGIN: sqlite3's begins before the first write only, and reads would stand outside it."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sightings_begin", statement))


def _limit_queries(engine: Engine, seconds: float) -> None:
    """Stop a statement that runs longer than this: SQLite has no statement timeout of its own."""

    @event.listens_for(engine, "before_cursor_execute")
    def _start(connection: Connection, *_: object) -> None:
        deadline = time.monotonic() + seconds
        raw: Any = connection.connection.dbapi_connection
        raw.set_progress_handler(lambda: time.monotonic() > deadline, _VM_STEPS_BETWEEN_LOOKS)


def is_damaged(error: DBAPIError) -> bool:
    """Whether this is SQLite that found what no database of ours looks like; one without tables, too."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    emptied = code == sqlite3.SQLITE_ERROR and str(error.orig).startswith("no such table")
    return emptied or code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_busy(error: DBAPIError) -> bool:
    """Whether this is SQLite that somebody else would not let in."""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return bool(code & 0xFF == sqlite3.SQLITE_BUSY)


def why_unusable(error: DBAPIError, url: str) -> str:
    """A sentence for whoever cannot write because of what lies on the disk; empty for any other error."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if is_damaged(error):
        told = "is damaged: leave it as it is, and bring a copy back with manage.py db restore FILE"
    elif code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        told = "cannot be written here: whoever ingests must own it and the folder that it lies in"
    else:
        return ""
    return f"The database {sqlite_path(url)} {told} ({error.orig})."


def took_too_long(error: DBAPIError) -> bool:
    """Whether this is a statement that was stopped at the time limit of its reader."""
    if isinstance(error.orig, sqlite3.OperationalError):
        return error.orig.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT
    return type(error.orig).__name__ == "QueryCanceled"


def wal_reset_bug(version: tuple[int, int, int] = sqlite3.sqlite_version_info) -> bool:
    """Whether this SQLite has the WAL-reset bug (3.7.0 to 3.51.2, without the backports 3.44.6 and 3.50.7).

    It needs two connections that write or checkpoint; here only the ingester's can: it is told, not refused.
    Source: sqlite.org/changes.html, 3.51.3.
    """
    if version >= (3, 51, 3) or version < (3, 7, 0):
        return False
    return not ((3, 44, 6) <= version < (3, 45, 0) or (3, 50, 7) <= version < (3, 51, 0))
