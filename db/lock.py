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

from sqlalchemy import Connection, Engine, text

_ADVISORY_KEY = 7_344_202_611


class Locked(Exception):
    """Another ingester holds the lock; the message says who and since when."""


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
            raise Locked(_told(_holder(connection)))
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})
            connection.commit()


def _holder(connection: Connection) -> str:
    row = connection.execute(
        text(
            "SELECT split_part(a.application_name, ' ', 2) AS pid,"
            " coalesce(host(a.client_addr), 'this machine') AS host, a.backend_start AS since"
            " FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1"
            " AND (l.classid::bigint << 32) + l.objid::bigint = :key"
            " AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        ),
        {"key": _ADVISORY_KEY},
    ).first()
    return json.dumps({"pid": row.pid, "host": row.host, "since": str(row.since)[:19]}) if row else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
