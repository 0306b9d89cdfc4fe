"""Rows brought to the width of their header, with columns added or the row left out; knows no format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ingest.columns import plain
from ingest.formats.table import Table, unique
from ingest.source import Source, is_zip, members
from ingest.text import Chunk

Change = Callable[[list[str]], list[str] | str]
"""The cells that are added to a row, or the reason for which it is skipped."""
_MOST_TEXTS = 20


def with_columns(
    table: Table,
    added: Sequence[str],
    change: Change,
    told: Mapping[str, str] | None = None,
    feed: str | None = None,
) -> Table:
    """The table with columns that are called after the terms they hold, filled by ``change``."""
    width = len(table.columns)
    names = unique([*table.columns, *added])
    return replace(
        table,
        columns=names,
        chunks=lambda: (_reshape(chunk, width, change) for chunk in table.chunks()),
        feed=feed,
        told={**(told or {}), **dict(zip(names[width:], added, strict=True))},
    )


def _reshape(chunk: Chunk, width: int, change: Change) -> Chunk:
    lines, rows, unfit = [], [], list(chunk.unfit)
    skipped = Counter(chunk.skipped)
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        if any(row[width:]):
            unfit.append((line, row))
            continue
        whole = (row + [""] * (width - len(row)))[:width]
        added = change(whole)
        if isinstance(added, str):
            skipped[added] += 1
            continue
        lines.append(line)
        rows.append(whole + added)
    return Chunk(lines, rows, chunk.done, unfit, dict(skipped))


def places(names: Sequence[str]) -> dict[str, int]:
    """Plain column name -> its place; the first of those that are alike."""
    found: dict[str, int] = {}
    for place, name in enumerate(names):
        found.setdefault(plain(name), place)
    return found


def mentioning(source: Source, *words: str) -> Source | None:
    """The source, or the one member of its zip, whose first bytes hold these words in any case.

    A quick look that keeps a reader from what is not even alike: a picture, a workbook, JSON.
    """
    if source.path.is_dir():
        return None
    if not is_zip(source):
        return source if _mentions(source, words) else None
    found = [member for member in texts(source) if _mentions(member, words)]
    return found[0] if len(found) == 1 else None


def texts(source: Source) -> list[Source]:
    """The tables in a zip, by their names; none where there are too many to look into each."""
    found = [member for member in members(source) if member.name.lower().endswith((".csv", ".tsv", ".txt"))]
    return found if len(found) <= _MOST_TEXTS else []


def _mentions(source: Source, words: Sequence[str]) -> bool:
    head = source.head().lower()
    return all(word.encode() in head for word in words)
