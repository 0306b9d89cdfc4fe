"""Checklists of eBird that several observers share: which copy of a sighting counts; knows no file.

Each observer of a group has a checklist with the same sightings. For each species of a group the checklist
with the lowest number counts: the one that was shared, which keeps its identity when others join it (the
choice of auk_unique). What was chosen lies in a temporary database that SQLite moves to the disk, because the
dataset of a country has millions of groups and is in no order that helps.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import islice

from ingest.formats.reshape import Cells

SHARED = "SHARED_CHECKLIST"
_NUMBER = re.compile(r"S(\d{1,18})\Z")
_CHOOSE = """INSERT INTO chosen (sighting, checklist) VALUES (?, ?)
    ON CONFLICT (sighting) DO UPDATE SET checklist = min(checklist, excluded.checklist)"""
_CHOSEN = "SELECT checklist FROM chosen WHERE sighting = ?"
_TOGETHER = 50_000


class Choice:
    """Which rows count, of all that ``rows`` yields: the cells of group, species and checklist of each."""

    def __init__(self, rows: Callable[[], Iterator[Cells]]) -> None:
        self._rows = rows
        self._chosen: sqlite3.Connection | None = None

    def counts(self, row: Cells) -> bool:
        """Whether this row is shared with nobody, or the one that was chosen."""
        key = _key(row)
        if key is None:
            return True
        if self._chosen is None:
            self._chosen = _choose(self._rows())
        found = self._chosen.execute(_CHOSEN, key[:1]).fetchone()
        return found is None or bool(found[0] == key[1])


def _choose(rows: Iterable[Cells]) -> sqlite3.Connection:
    """Sighting of a group -> the lowest of its checklists."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute("CREATE TABLE chosen (sighting INTEGER PRIMARY KEY, checklist INTEGER NOT NULL)")
    keys = filter(None, map(_key, rows))
    while some := sorted(islice(keys, _TOGETHER)):
        database.execute("BEGIN")
        database.executemany(_CHOOSE, some)
        database.execute("COMMIT")
    return database


def _key(row: Cells) -> tuple[int, int] | None:
    """The sighting of a group, as a number that it alone has, and the number of the checklist."""
    group, species, checklist = row
    number = _NUMBER.match(checklist) if group else None
    if number is None:
        return None
    digest = blake2b(f"{group}\t{species}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True), int(number[1])
