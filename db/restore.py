"""Putting a copy in the place of an SQLite database while that is served; knows one table."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from db.backup import checked
from db.engine import is_sqlite, open_reader, open_writer, sqlite_path
from db.file import keep, read_only
from db.lock import only_ingester
from db.schema import known, revision, upgrade

_LOGS = ("-wal", "-shm")


class RestoreFailed(Exception):
    """Nothing was replaced, if the message does not say otherwise; it says why."""


def restore(url: str, copy: Path) -> tuple[int, Path | None]:
    """Put a copy in the place of the database; how many sightings it holds, and where the old one lies now.

    The copy itself stays. Runs to come get numbers that neither of the two has given: a version that was seen
    once never comes back with other data. Raises RestoreFailed, or db.lock.Locked.
    """
    if not is_sqlite(url):
        raise RestoreFailed("This restores SQLite databases; for PostgreSQL use pg_restore.")
    path = sqlite_path(url)
    part = path.with_name(f"{path.name}.restoring")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _must_be_ours(copy)
        with only_ingester(open_writer(url)):
            count = _prepare(copy, part, newest=_last_number(path))
            return count, _exchange(path, part)
    except (sqlite3.Error, SQLAlchemyError, OSError) as error:
        raise RestoreFailed(f"{path} could not be replaced by {copy}: {error}.") from None


def _must_be_ours(copy: Path) -> None:
    if not copy.is_file():
        raise RestoreFailed(f"There is no file {copy}.")
    reader = open_reader(f"sqlite:///{copy}")
    try:
        found = revision(reader)
    except DBAPIError as error:
        raise RestoreFailed(f"{copy} cannot be read as a database: {error.orig}.") from None
    finally:
        reader.dispose()
    if found not in known():
        of_what = "no database of Sightings" if found is None else f"of a newer Sightings (schema {found})"
        raise RestoreFailed(f"{copy} is {of_what}.")


def _last_number(path: Path) -> int:
    """The highest number that a run was given by the database in use, or by those that it has replaced."""
    earlier = [one for one in path.parent.glob(f"{path.name}.replaced-*") if not one.name.endswith(_LOGS)]
    numbers = [0]
    for one in (path, *earlier):
        with suppress(sqlite3.Error), closing(sqlite3.connect(read_only(one), uri=True)) as connection:
            numbers.append(_sequence(connection))  # one that is gone or damaged tells nothing
    return max(numbers)


def _sequence(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT max(seq) FROM sqlite_sequence WHERE name = 'run'").fetchone()
    return int(row[0] or 0)


def _prepare(copy: Path, part: Path, newest: int) -> int:
    """Make the file that is to be served, beside its place; returns how many sightings it holds."""
    for suffix in ("", *_LOGS):
        Path(f"{part}{suffix}").unlink(missing_ok=True)
    with closing(sqlite3.connect(read_only(copy), uri=True)) as source:
        source.execute("VACUUM INTO ?", (str(part),))
    upgrade(open_writer(f"sqlite:///{part}"))
    with closing(sqlite3.connect(part, isolation_level=None)) as target:
        if newest > _sequence(target):
            target.execute("DELETE FROM sqlite_sequence WHERE name = 'run'")
            target.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('run', ?)", (newest,))
    count = checked(part)
    keep(part)
    return count


def _exchange(path: Path, part: Path) -> Path | None:
    """Move the old database aside with its log, then the new one in: a log beside another file is poison.

    For the moment in between there is no database, and who asks is told to ask again.
    """
    aside = path.with_name(f"{path.name}.replaced-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    there = path.exists()
    if there:
        path.rename(aside)
    for suffix in _LOGS:
        log = Path(f"{path}{suffix}")
        if log.exists():
            log.rename(f"{aside}{suffix}")
    part.rename(path)
    keep(path)
    return aside if there else None
