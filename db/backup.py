"""A verified copy of an SQLite database that is in use; knows no tables but one."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from db.engine import is_sqlite, sqlite_path
from db.file import keep, read_only


class BackupFailed(Exception):
    """There is no copy; the message says why."""


def backup(url: str, target: Path) -> int:
    """Copy the database to a new file, check the copy, and return how many sightings it holds.

    ``VACUUM INTO`` reads one snapshot, so a writer neither waits nor tears it. The copy gets its name only
    when it has passed its check. Raises BackupFailed.
    """
    if not is_sqlite(url):
        raise BackupFailed("This copies SQLite databases; for PostgreSQL use pg_dump.")
    source = sqlite_path(url)
    part = target.with_name(target.name + ".part")
    if target.exists():
        raise BackupFailed(f"{target} exists already; name a new file.")
    try:
        part.unlink(missing_ok=True)
        with closing(sqlite3.connect(read_only(source), uri=True)) as connection:
            connection.execute("VACUUM INTO ?", (str(part),))
        count = checked(part)
        keep(part)
        part.rename(target)
        keep(target)
    except (sqlite3.Error, OSError) as error:
        raise BackupFailed(f"{source} could not be copied to {target}: {error}.") from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
    return count


def checked(copy: Path) -> int:
    """How many sightings a copy holds. Raises sqlite3.DatabaseError where it is damaged."""
    with closing(sqlite3.connect(copy)) as connection:
        (verdict,) = connection.execute("PRAGMA integrity_check").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(str(verdict))
        return int(connection.execute("SELECT count(*) FROM sighting").fetchone()[0])
