"""The file of an SQLite database as it lies on the disk: which one it is, and whether it is there still.

An open file that is removed or replaced goes on being read and written by whoever has it open; nobody else
ever sees that. Knows no tables.
"""

from __future__ import annotations

import os
import re
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DisconnectionError, OperationalError

Mark = tuple[int, ...]
"""What tells a file from every other that is there at the same time: two numbers (device, inode). While
nobody may write beside it four, with time and size: nothing else tells there that it was written."""


class DatabaseUnusable(Exception):
    """The database cannot be used as it is; the message says why and what to do."""


def mark(path: Path) -> Mark | None:
    """Which file lies under this path now; None where none does. It costs three microseconds."""
    try:
        found = os.stat(path)  # noqa: PTH116 - half of what Path.stat costs, for each transaction
    except OSError:
        return None
    if is_at_rest(path):
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size
    return found.st_dev, found.st_ino


def is_at_rest(path: Path) -> bool:
    """Whether nobody has the database open for writing, in a folder where we may not write.

    Then there is no log, and none may be made, which SQLite insists on for any file that it believes could
    change: it has to be told that this one does not.
    """
    return not os.access(path.parent, os.W_OK) and not os.path.exists(f"{path}-wal")  # noqa: PTH110


def read_only(path: Path) -> str:
    """SQLite's URI of a file that is only to be looked at."""
    name = re.sub(r"[?#%]", lambda found: f"%{ord(found[0]):02x}", str(path.absolute()))
    return f"file:{name}?mode=ro" + ("&immutable=1" if is_at_rest(path) else "")


def keep(path: Path) -> None:
    """Return when what was written into this file is on the disk, and its name in its folder."""
    for one in (path, path.parent):
        number = os.open(one, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def file_of(connection: Connection) -> Mark | None:
    """Which file a reader's connection has open; None for what is no file."""
    found: Mark | None = connection.info.get("file")
    return found


def follow(reader: Engine, path: Path) -> None:
    """Let a reader's connections go as soon as another file, or none, lies where theirs was opened."""

    @event.listens_for(reader, "do_connect")
    def _note(_dialect: object, record: Any, arguments: list[Any], _options: object) -> None:
        record.info["file"] = mark(path)  # before it is opened: at worst it is opened once more
        arguments[0] = read_only(path)

    @event.listens_for(reader, "checkout")
    def _compare(_connection: object, record: Any, _proxy: object) -> None:
        if record.info["file"] != mark(path):
            raise DisconnectionError(f"{path} is another file than the one that is open.")

    @event.listens_for(reader, "commit")
    def _compare_again(connection: Connection) -> None:
        file = file_of(connection)
        if file is not None and len(file) > 2 and file != mark(path):
            # Nothing was locked: what was read may be half of one version and half of another.
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError(f"{path} was written meanwhile"))


def hold(writer: Engine, path: Path) -> None:
    """Let a writer open and commit to one file only: the one that its first connection has opened or made.

    Raises DatabaseUnusable where another file, or none, lies there by then: what is written into a file
    that nobody finds any more is lost.
    """
    held: list[Mark] = []

    def compare() -> None:
        found = mark(path)
        if held and (found is None or found[:2] != held[0]):
            what = "gone" if found is None else "another file"
            raise DatabaseUnusable(
                f"{path} is {what} since this began: it was moved or replaced, and nothing was kept."
            )

    @event.listens_for(writer, "do_connect")
    def _open(_dialect: object, _record: object, _arguments: object, _options: object) -> None:
        compare()  # SQLite would make a new file, and an empty one

    @event.listens_for(writer, "connect")
    def _note(_connection: object, _record: object) -> None:
        found = mark(path)
        if found is not None and not held:
            held.append(found[:2])

    @event.listens_for(writer, "commit")
    def _commit(_connection: Connection) -> None:
        compare()
