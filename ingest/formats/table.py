"""What every reader gives: named columns and numbered rows, ready to be read again; knows no meaning."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from ingest.text import Chunk


@dataclass(frozen=True)
class Table:
    """The rows of one input under its own column names."""

    columns: tuple[str, ...]
    chunks: Callable[[], Iterator[Chunk]]
    """Reads all rows, from the start at each call."""
    size: int
    """Bytes to read, for the progress."""
    delimiter: str = ","
    feed: str | None = None
    """The global source that this comes from, where the format tells."""
    told: dict[str, str] = field(default_factory=dict)
    """Column -> term, where the format is surer than the catalogue of names."""
    notes: tuple[str, ...] = ()
    """What a person should know: a guessed encoding."""


def unique(names: list[str]) -> tuple[str, ...]:
    """Column names, stripped; an empty one gets its number, one that comes again a suffix."""
    seen: dict[str, int] = {}
    columns = []
    for number, name in enumerate(names, 1):
        plain = name.strip().strip("\ufeff") or f"column {number}"
        seen[plain] = seen.get(plain, 0) + 1
        columns.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return tuple(columns)
