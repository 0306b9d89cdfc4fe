"""Readers of delimited text: any table, GBIF's, iNaturalist's, wide ones; knows nothing of their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import chain, islice

from ingest.formats.pairs import divide_pairs
from ingest.formats.table import Table, Wanted, unique
from ingest.sources.source import Source, Unreadable, is_archive
from ingest.text import text
from ingest.text.text import Chunk
from ingest.words import columns
from ingest.words.values import MISSING, number

_GBIF = frozenset({"gbifid"})
_INATURALIST = (
    frozenset({"id", "observedon"}),
    frozenset({"qualitygrade", "userlogin", "taxonid", "iconictaxonname", "speciesguess"}),
)
_SAMPLE_ROWS = 200
_MOSTLY = 0.8  # a ? among the counts makes no column of text


class NotText(Unreadable):
    """A zip is no text, however many texts are in it."""


def read_table(source: Source, _: Wanted) -> Table:
    """Any delimited table with a header."""
    return _table(source)


@lru_cache(maxsize=2)
def _table(source: Source) -> Table:
    """Any delimited table with a header. Remembered, because one format after the other asks for it."""
    if is_archive(source):
        raise NotText(f"{source.name} is a zip.")
    how = text.dialect(source)
    first = next(text.chunks(source, how), None)
    if first is None:
        raise Unreadable(f"{source.name} is empty.")
    if len(first.rows) < 2:
        raise Unreadable(f"{source.name} has a header and no rows.")
    return divide_pairs(
        Table(
            columns=unique(first.rows[0]),
            chunks=lambda: _below_header(text.chunks(source, how)),
            size=source.size,
            delimiter=how.delimiter,
            notes=how.notes,
        )
    )


def _below_header(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    for number_, chunk in enumerate(chunks):
        yield chunk if number_ else Chunk(chunk.lines[1:], chunk.rows[1:], chunk.done)


def read_gbif(source: Source, _: Wanted) -> Table | None:
    """GBIF's simple download: tab separated whatever its name says, with a gbifID that never changes."""
    table = _table(source)
    names = {columns.plain(name): name for name in table.columns}
    if not names.keys() >= _GBIF:
        return None
    return _of_feed(table, "gbif", {names["gbifid"]: "occurrenceID"})


def read_inaturalist(source: Source, _: Wanted) -> Table | None:
    """The export of iNaturalist, with whatever columns its owner chose."""
    table = _table(source)
    names = {columns.plain(name): name for name in table.columns}
    needed, some = _INATURALIST
    if not names.keys() >= needed or names.keys().isdisjoint(some):
        return None
    return _of_feed(table, "inaturalist", {names["id"]: "occurrenceID", names["observedon"]: "eventDate"})


def _of_feed(table: Table, feed: str, told: Mapping[str, str]) -> Table:
    return Table(table.columns, table.chunks, table.size, table.delimiter, feed, dict(told), table.notes)


def read_wide(source: Source, _: Wanted) -> Table | None:
    """A year or date column and one column of counts per animal; each filled cell becomes a row."""
    table = _table(source)
    terms = columns.understand(table.columns)
    known = set(terms.values())
    if known & {*columns.NEEDS_NAME, *columns.ONE_SIGHTING_PER_ROW} or not known & set(columns.NEEDS_DATE):
        return None
    sample = [row for chunk in islice(table.chunks(), 1) for row in chunk.rows[:_SAMPLE_ROWS]]
    animals = [
        place for place, name in enumerate(table.columns) if name not in terms and _counts(sample, place)
    ]
    if not animals:
        return None
    kept = [place for place in range(len(table.columns)) if place not in animals]
    names = tuple(table.columns[place] for place in kept)
    key = _key(table, [place for place in kept if table.columns[place] in terms])
    return Table(
        columns=(*names, *_MELTED),
        chunks=lambda: (_melt(chunk, table.columns, kept, animals, key) for chunk in table.chunks()),
        size=table.size,
        delimiter=table.delimiter,
        told={name: name for name in _MELTED},
        notes=table.notes,
    )


_MELTED = ("occurrenceID", "vernacularName", "individualCount")
_MOST_KEYS = 200_000


def _key(table: Table, places: list[int]) -> list[int]:
    """The places of the columns that tell one line from another (date, site); none where they do not.

    With them a cell has an identity, so that next month's table, in which this year's count has grown,
    corrects that count instead of adding to it.
    """
    seen: set[tuple[str, ...]] = set()
    for row in chain.from_iterable(chunk.rows for chunk in table.chunks()):
        cells = tuple(row[place].strip() for place in places if place < len(row))
        if cells in seen or len(seen) == _MOST_KEYS:
            return []
        seen.add(cells)
    return places


def _counts(sample: list[list[str]], place: int) -> bool:
    """Whether a column holds numbers, and some: it may be an animal's."""
    cells = [row[place].strip() for row in sample if place < len(row)]
    filled = [cell for cell in cells if cell not in MISSING]
    return sum(number(cell) is not None for cell in filled) > _MOSTLY * len(filled)


def _melt(chunk: Chunk, names: tuple[str, ...], kept: list[int], animals: list[int], key: list[int]) -> Chunk:
    """One row per animal and line. An empty cell holds no sighting: nobody counted."""
    lines, rows, unfit = [], [], list(chunk.unfit)
    for line, row in zip(chunk.lines, chunk.rows, strict=True):
        if any(row[len(names) :]):
            unfit.append((line, row))
            continue
        filled = row + [""] * (len(names) - len(row))
        head = [filled[place] for place in kept]
        for place in animals:
            if filled[place].strip() not in MISSING:
                lines.append(line)
                identity = " ".join([*(filled[part].strip() for part in key), names[place]]) if key else ""
                rows.append([*head, identity, names[place], filled[place]])
    return Chunk(lines, rows, chunk.done, unfit)
