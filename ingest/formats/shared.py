"""Checklists of eBird that several observers share: which copy of a sighting counts; knows no other column.

Each observer of a group has a checklist with the same sightings. For each species of a group the checklist
with the lowest number counts: the one that was shared, which keeps its identity when others join it (the
choice of auk_unique). What was chosen lies in a temporary database that SQLite moves to the disk, because the
dataset of a country has millions of groups and is in no order that helps.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b

from ingest.formats.reshape import places
from ingest.formats.table import Table
from ingest.text import Chunk

SHARED = "SHARED_CHECKLIST"
_NUMBER = re.compile(r"S(\d{1,18})\Z")
_CHOOSE = """INSERT INTO chosen (sighting, checklist) VALUES (?, ?)
    ON CONFLICT (sighting) DO UPDATE SET checklist = min(checklist, excluded.checklist)"""


@dataclass(frozen=True)
class _At:
    """The places of the columns that decide."""

    group: int
    species: int
    checklist: int

    def key(self, row: list[str]) -> tuple[int, int] | None:
        """The sighting of a group, as a number that it alone has, and the number of the checklist."""
        if len(row) <= max(self.group, self.species, self.checklist) or not row[self.group]:
            return None
        number = _NUMBER.match(row[self.checklist])
        if number is None:
            return None
        text = f"{row[self.group]}\t{row[self.species]}"
        digest = blake2b(text.encode(errors="surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big", signed=True), int(number[1])


def counted_once(table: Table) -> Table:
    """The table without the copies of sightings that a group shares."""
    at = places(table.columns)
    if not at.keys() >= {"groupidentifier", "scientificname", "samplingeventidentifier"}:
        return table
    where = _At(at["groupidentifier"], at["scientificname"], at["samplingeventidentifier"])
    chosen: list[sqlite3.Connection] = []

    def chunks() -> Iterator[Chunk]:
        if not chosen:
            chosen.append(_choose(table.chunks, where))
        return (_without_copies(chunk, where, chosen[0]) for chunk in table.chunks())

    return replace(table, chunks=chunks)


def _choose(chunks: Callable[[], Iterator[Chunk]], at: _At) -> sqlite3.Connection:
    """Read all rows once: sighting of a group -> the lowest of its checklists."""
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    database.execute("CREATE TABLE chosen (sighting INTEGER PRIMARY KEY, checklist INTEGER NOT NULL)")
    for chunk in chunks():
        database.execute("BEGIN")
        database.executemany(_CHOOSE, sorted(filter(None, map(at.key, chunk.rows))))
        database.execute("COMMIT")
    return database


def _without_copies(chunk: Chunk, at: _At, chosen: sqlite3.Connection) -> Chunk:
    kept = [_counts(at.key(row), chosen) for row in chunk.rows]
    if all(kept):
        return chunk
    lines = [line for line, keep in zip(chunk.lines, kept, strict=True) if keep]
    rows = [row for row, keep in zip(chunk.rows, kept, strict=True) if keep]
    copies = {SHARED: chunk.skipped.get(SHARED, 0) + len(kept) - len(rows)}
    return replace(chunk, lines=lines, rows=rows, skipped=chunk.skipped | copies)


def _counts(key: tuple[int, int] | None, chosen: sqlite3.Connection) -> bool:
    """Whether a row counts: it is shared with nobody, or the one that was chosen."""
    if key is None:
        return True
    found = chosen.execute("SELECT checklist FROM chosen WHERE sighting = ?", key[:1]).fetchone()
    return found is None or bool(found[0] == key[1])
