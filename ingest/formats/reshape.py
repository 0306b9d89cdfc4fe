"""Rows brought to the width of their header, with columns added or the row left out; knows no format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import compress, repeat

from db.arrow import pa
from ingest.formats.table import Table, unique
from ingest.sources.source import Source, is_zip, members
from ingest.text.rows import Chunk, Columnar, Row, columns_of
from ingest.words.columns import plain

Cells = tuple[str, ...]
Needs = Sequence[int | None]
"""The places of the columns that are looked at; None for one that the table lacks, which is '' then."""
Change = Callable[[Cells], Cells | str]
"""From the cells that are needed of a row: those that are added, or the reason for which it is skipped."""
_MOST_TEXTS = 20


def with_columns(
    table: Table,
    added: Sequence[str],
    needs: Needs,
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
        chunks=lambda: (_reshape(chunk, width, needs, change) for chunk in table.chunks()),
        feed=feed,
        told={**(told or {}), **dict(zip(names[width:], added, strict=True))},
    )


def _reshape(chunk: Chunk, width: int, needs: Needs, change: Change) -> Chunk:
    lines, rows, unfit = _of_width(chunk, width)
    if not len(rows):
        return Chunk([], [], chunk.done, unfit, chunk.skipped)
    columns = columns_of(rows)
    found = list(map(change, _cells(columns, needs)))
    skipped = Counter(chunk.skipped)
    reasons = [one for one in found if isinstance(one, str)]
    if reasons:
        skipped.update(reasons)
        kept = [not isinstance(one, str) for one in found]
        lines = list(compress(lines, kept))
        columns = tuple(column.filter(pa.array(kept)) for column in columns)
    added = zip(*(one for one in found if not isinstance(one, str)), strict=True)
    columns += tuple(pa.array(cells, pa.string()) for cells in added)
    return Chunk(lines, Columnar(columns) if lines else [], chunk.done, unfit, dict(skipped))


def _of_width(chunk: Chunk, width: int) -> tuple[Sequence[int], Sequence[Row], list[tuple[int, Row]]]:
    """Rows as wide as the header; those that are wider are unfit, with those that were so already."""
    if isinstance(chunk.rows, Columnar) and len(chunk.rows.columns) == width:
        return chunk.lines, chunk.rows, chunk.unfit
    lines, rows, unfit = [], [], list(chunk.unfit)
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        if any(row[width:]):
            unfit.append((line, row))
            continue
        lines.append(line)
        rows.append((row + [""] * (width - len(row)))[:width])
    return lines, rows, unfit


def _cells(columns: Sequence[pa.Array], needs: Needs) -> Iterator[Cells]:
    number = len(columns[0])
    taken = (repeat("", number) if place is None else columns[place].to_pylist() for place in needs)
    return zip(*taken, strict=True)


def cells(table: Table, needs: Needs) -> Iterator[Cells]:
    """The needed cells of every row that fits the header."""
    for chunk in table.chunks():
        _, rows, _ = _of_width(chunk, len(table.columns))
        if len(rows):
            yield from _cells(columns_of(rows), needs)


def places(names: Iterable[str]) -> dict[str, int]:
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
