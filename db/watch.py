"""The newest data version, asked so cheaply that every request can ask; knows no scope and no web.

SQLite's log has a head that every commit changes, read in a tenth of a microsecond; where there is none, a
connection is told whether another one has committed (``PRAGMA data_version``: four microseconds, and more
until the threads of this process have taken turns). Either is a hint only: after it the table of runs is
asked. PostgreSQL has nothing like it and is asked at most every AGE_SECONDS, in a thread.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import SQLAlchemyError

from db.file import Mark, mark, read_only
from db.models import Run
from db.walindex import head_of

AGE_SECONDS = 0.25
_LOOKS_AT_FILE_EVERY = 1.0
_log = logging.getLogger("sightings.watch")


@dataclass(frozen=True, eq=False)
class Seen:
    """The data as it was found; another commit, or another database in its place, is another one of these."""

    version: int
    """0 where no run changed anything yet."""
    made_at: str | None
    """When that run ended: a database that was restored may count the same numbers again."""


class Watch(Protocol):
    """Who knows the newest version."""

    def now(self) -> Seen | None:
        """What is there now, the same object as long as nothing changed; None where that cannot be told.

        From one thread only.
        """

    def close(self) -> None:
        """Let go of the database."""


def newest(connection: Connection) -> tuple[int, str | None]:
    """The data version and when it was made."""
    asked = select(Run.id, Run.finished_at).where(Run.changed).order_by(Run.id.desc()).limit(1)
    row = connection.execute(asked).first()
    return (0, None) if row is None else (row.id, row.finished_at)


def watch(reader: Engine, least: Callable[[], float] = lambda: 0) -> Watch:
    """Watch the database of an engine; ``least`` tells a version that somebody has seen already."""
    return FileWatch(reader) if reader.dialect.name == "sqlite" else ServerWatch(reader, least)


def _look(reader: Engine) -> Seen:
    with reader.begin() as connection:
        return Seen(*newest(connection))


def _kept(before: Seen | None, found: Seen) -> Seen:
    """The one that was known, if it tells the same."""
    if before is not None and (before.version, before.made_at) == (found.version, found.made_at):
        return before
    return found


class FileWatch:
    """Of an SQLite file: never older than the last commit."""

    def __init__(self, reader: Engine) -> None:
        self._reader = reader
        # The engine's file is written as a URI, and what is asked of the disk is its path.
        self._path = Path(unquote(str(reader.url.database).removeprefix("file:").partition("?")[0]))
        self._connection: sqlite3.Connection | None = None
        self._ask: Callable[[], object] | None = None
        self._hint: object = None
        self._seen: Seen | None = None
        self._file: Mark | None = None
        self._due = 0.0

    def now(self) -> Seen | None:
        """See Watch."""
        try:
            if self._ask is None or time.monotonic() >= self._due:
                self._ask = self._hold_file()
            hint = self._ask()
            if hint != self._hint:
                # In this order: a commit in between is looked at again, not missed.
                self._seen = _kept(self._seen, _look(self._reader))
                self._hint = hint
        except (sqlite3.Error, SQLAlchemyError, OSError) as error:
            if self._seen is not None:
                _log.warning("The newest version cannot be read: %s", error)
            self.close()
            return None
        return self._seen

    def _hold_file(self) -> Callable[[], object]:
        """Open the file that lies there now: the one that is open may have been moved away."""
        file, ask = mark(self._path), self._ask
        if file != self._file or ask is None:
            self.close()
            ask, self._file = self._opened(), file
        # Where nobody may write beside the file SQLite sees no change of it, but the disk tells.
        at_rest = file is not None and len(file) > 2
        self._due = 0.0 if at_rest else time.monotonic() + _LOOKS_AT_FILE_EVERY
        return ask

    def _opened(self) -> Callable[[], object]:
        self._connection = sqlite3.connect(
            read_only(self._path), uri=True, isolation_level=None, check_same_thread=False
        )
        ask, asked = self._connection.execute, "PRAGMA data_version"
        ask(asked).fetchone()  # only who has read in it keeps the index where it is
        return head_of(self._path) or (lambda: ask(asked).fetchone())

    def close(self) -> None:
        """See Watch."""
        if self._connection is not None:
            self._connection.close()
        self._connection = self._ask = self._hint = self._seen = self._file = None
        self._due = 0.0


class ServerWatch:
    """Of a database server: at most AGE_SECONDS old and never below what others have seen.

    Else nothing is told until it has been asked again.
    """

    def __init__(self, reader: Engine, least: Callable[[], float]) -> None:
        self._reader, self._least = reader, least
        self._seen: Seen | None = None
        self._looked = float("-inf")
        self._looking = threading.Lock()

    def now(self) -> Seen | None:
        """See Watch."""
        seen = self._seen
        young = time.monotonic() - self._looked < AGE_SECONDS
        if seen is not None and young and seen.version >= self._least():
            return seen
        if self._looking.acquire(blocking=False):
            threading.Thread(target=self._refresh, name="watch", daemon=True).start()
        return None

    def _refresh(self) -> None:
        try:
            started = time.monotonic()
            self._seen = _kept(self._seen, _look(self._reader))
            self._looked = started
        except SQLAlchemyError as error:
            if self._seen is not None:
                _log.warning("The newest version cannot be read: %s", error)
            self._seen = None
        finally:
            self._looking.release()

    def close(self) -> None:
        """See Watch."""
        self._seen, self._looked = None, float("-inf")
