"""One ingester at a time: a file lock for SQLite, an advisory lock in PostgreSQL; knows no tables."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

_ADVISORY_KEY = 7_344_202_611
_TRANSACTION_KEY = 7_344_202_613


class Locked(Exception):
    """Another ingester holds the lock; the message says who and since when."""


class LockLost(Exception):
    """The lock went while a run was under way, and with it the right to commit; the message says so."""


@contextmanager
def only_ingester(writer: Engine) -> Iterator[None]:
    """Hold the right to write while the block runs. Raises Locked at once where somebody else has it.

    The system takes both locks back when their holder dies, however it dies: there is no stale lock to clean.
    """
    if writer.dialect.name == "sqlite":
        with _file_lock(Path(f"{writer.url.database}.lock")):
            yield
    else:
        with _advisory_lock(writer):
            yield


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise Locked(_told(file.read())) from None
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}))
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def holder(connection: Connection) -> dict[str, Any] | None:
    """Who ingests now: its ``pid``, its ``host``, and ``since`` when; None where nobody does."""
    if connection.dialect.name == "sqlite":
        path = str(connection.exec_driver_sql("PRAGMA database_list").one()[2])
        written = _written(Path(f"{path}.lock"))
    else:
        written = _holder(connection, _ADVISORY_KEY)
    try:
        return dict(json.loads(written))
    except (ValueError, TypeError):
        return None


def _written(path: Path) -> str:
    """What the holder wrote into the file; nothing where there is none, or where it was killed."""
    try:
        with path.open() as file:
            written = file.read()
            if written:  # else the lock is not touched: whoever takes it at this moment must find it free
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return written
    except OSError:
        pass
    return ""


def _told(written: str) -> str:
    try:
        holder = json.loads(written)
        who = f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        return "Another ingest is running."
    return f"Another ingest is running ({who})."


@contextmanager
def _advisory_lock(writer: Engine) -> Iterator[None]:
    with writer.connect() as connection:
        ask = text("SELECT pg_try_advisory_lock(:key)")
        if not connection.execute(ask, {"key": _ADVISORY_KEY}).scalar_one():
            raise Locked(_told(_holder(connection, _ADVISORY_KEY)))
        backend = int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())
        connection.commit()
        try:
            with _fenced(writer, connection, backend):
                yield
        finally:
            _unlock(connection)


def _unlock(connection: Connection) -> None:
    try:
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})
        connection.commit()
    except DBAPIError:
        connection.invalidate()  # the session is gone, and the lock with it


@contextmanager
def _fenced(writer: Engine, holder: Connection, backend: int) -> Iterator[None]:
    """No transaction of this ingester commits once the session that holds the lock is lost.

    Another ingester may have the lock by then. Its transactions do not even begin while one of ours is open:
    each holds a second lock until its end.
    """

    def begin(connection: Connection) -> None:
        if connection is not holder and "sightings_begin" not in connection.get_execution_options():
            ask = text("SELECT pg_try_advisory_xact_lock(:key)")
            if not connection.execute(ask, {"key": _TRANSACTION_KEY}).scalar_one():
                raise Locked(_told(_holder(connection, _TRANSACTION_KEY)))

    def commit(connection: Connection) -> None:
        if connection is not holder and not connection.execute(_HOLDS, {"backend": backend}).scalar_one():
            raise LockLost("The lock was lost to the server or to another ingester: nothing was kept.")

    event.listen(writer, "begin", begin)
    event.listen(writer, "commit", commit)
    try:
        yield
    finally:
        event.remove(writer, "begin", begin)
        event.remove(writer, "commit", commit)


_HELD = (
    "l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
    " AND (l.classid::bigint << 32) + l.objid::bigint = :key"
    " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_HOLDS = text(
    f"SELECT EXISTS (SELECT 1 FROM pg_locks l WHERE {_HELD} AND l.pid = :backend)"  # noqa: S608 - our own words
).bindparams(key=_ADVISORY_KEY)


_WHO = text(
    "SELECT split_part(a.application_name, ' ', 2) AS pid,"  # noqa: S608 - our own words
    " coalesce(host(a.client_addr), 'this machine') AS host, a.backend_start AS since"
    f" FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE {_HELD}"
)


def _holder(connection: Connection, key: int) -> str:
    row = connection.execute(_WHO, {"key": key}).first()
    return json.dumps({"pid": row.pid, "host": row.host, "since": str(row.since)[:19]}) if row else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
