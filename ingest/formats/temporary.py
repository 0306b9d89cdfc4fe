"""A database of its own for one reading: what waits in it for other rows costs no memory; knows no rows."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Iterable, Iterator

_AT_ONCE = 500  # keys in one question
_CACHE_KIB = 16_384


def open_temporary(owner: object) -> sqlite3.Connection:
    """An empty database that lives as long as its owner.

    Without a name it is a file that nobody else can open, and it is gone with the connection.
    """
    base = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    weakref.finalize(owner, base.close)
    for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
        base.execute(f"PRAGMA {setting}")
    return base


def fill(base: sqlite3.Connection, table: str, width: int, rows: Iterable[tuple[object, ...]]) -> None:
    """Enter rows of so many fields; of those that have one key the first stays."""
    enter = f"INSERT OR IGNORE INTO {table} VALUES ({', '.join('?' * width)})"  # noqa: S608 - our own names
    base.execute("BEGIN")
    base.executemany(enter, rows)
    base.execute("COMMIT")


def of_keys(base: sqlite3.Connection, question: str, keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
    """What a question that ends with IN answers for all these keys."""
    wanted = sorted(keys)
    for start in range(0, len(wanted), _AT_ONCE):
        part = wanted[start : start + _AT_ONCE]
        yield from base.execute(f"{question} ({', '.join('?' * len(part))})", part)
