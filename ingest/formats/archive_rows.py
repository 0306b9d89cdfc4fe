"""The rows of one part of a Darwin Core Archive, cut as its meta.xml says; knows no term's meaning."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import accumulate
from typing import IO, cast

from ingest.formats.bundles import at
from ingest.formats.meta_xml import Field, Part
from ingest.formats.table import Table, fitted, portions, unique
from ingest.sources.source import Source, Unreadable
from ingest.text import encodings, text
from ingest.text.rows import Chunk
from ingest.text.text import Dialect


def rows_of(archive: Source, part: Part, files: Mapping[str, Source], key: str) -> Table:
    """The table of a part; the column of its identifier is called ``key`` where no field names it.

    Raises Unreadable where a file is missing or has fewer columns than meta.xml says.
    """
    sources = [_file(archive, location, files) for location in part.locations]
    if not sources:
        raise Unreadable(f"{archive.name} has a meta.xml that names no file of its {part.kind} rows.")
    sources = [_relined(source, part.line_end) if part.line_end else source for source in sources]
    how, notes = _encoded(sources, part.how)
    seen = [_widths(source, how) for source in sources]
    width = max(
        *(usual for usual, _ in seen), *(one.place + 1 for one in part.fields if one.place is not None)
    )
    widest = max(most for _, most in seen)
    if width > widest > 0:
        raise Unreadable(
            f"{archive.name} has a meta.xml that names column {width} of {part.locations[0]}, which has only"
            f" {widest}."
        )
    names, extra = _columns(part, width, key)
    defaults = {
        field.place: field.default for field in part.fields if field.place is not None and field.default
    }
    return Table(
        columns=names,
        chunks=lambda: _shaped(_chunks(sources, how), width, defaults, extra),
        size=sum(source.size for source in sources),
        delimiter=how.delimiter,
        notes=notes,
        date_order=part.date_order,
    )


def key_column(archive: Source, part: Part, table: Table) -> str:
    """The name of the column that holds the identifier. Raises Unreadable where there is none."""
    if part.key is None or part.key >= len(table.columns):
        raise Unreadable(
            f"{archive.name} has a meta.xml that does not say which column of its {part.kind} rows joins core"
            " and extension."
        )
    return table.columns[part.key]


def _file(archive: Source, location: str, files: Mapping[str, Source]) -> Source:
    if "://" in location:
        raise Unreadable(
            f"{archive.name} has a meta.xml that names {location}: a file that lies elsewhere is not fetched."
        )
    found = at(files, location)
    if found is None:
        raise Unreadable(f"{archive.name} has no file {location!r}, which its meta.xml names.")
    return found


def _encoded(sources: list[Source], how: Dialect) -> tuple[Dialect, tuple[str, ...]]:
    """UTF-8 is what every meta.xml says; where the bytes are none, their looks decide."""
    if how.encoding != "utf-8-sig":
        return how, ()
    for source in sources:
        found = encodings.find(source)
        if found.guessed:
            note = f"the encoding {found.name} was guessed: the file is not in UTF-8, as its meta.xml says"
            return replace(how, encoding=found.name), (note,)
    return how, ()


def _widths(source: Source, how: Dialect) -> tuple[int, int]:
    """How many columns a file has, by its header or else by most of its first rows; and how many at most."""
    above = max(how.skip - 1, 0)
    first = next(text.chunks(source, replace(how, skip=above)), None)
    if first is None:
        return 0, 0
    widths = [len(row) for row in first.rows]
    return widths[0] if how.skip else Counter(widths).most_common(1)[0][0], max(widths)


def _columns(part: Part, width: int, key: str) -> tuple[tuple[str, ...], list[Field]]:
    """The names of all columns, and the fields that no column of their own holds.

    meta.xml may give a value once for all rows, and one column two terms; a column that it does not speak of
    keeps its number for a name.
    """
    by_place: dict[int, str] = {}
    extra = []
    for field in part.fields:
        if field.place is None or field.place in by_place:
            extra.append(field)
        else:
            by_place[field.place] = field.term
    if part.key is not None:
        by_place.setdefault(part.key, key)
    names = [by_place.get(place, "") for place in range(width)]
    return unique([*names, *(field.term for field in extra)]), extra


def _chunks(sources: list[Source], how: Dialect) -> Iterator[Chunk]:
    starts = accumulate((source.size for source in sources), initial=0)
    for source, start in zip(sources, starts, strict=False):
        for chunk in text.chunks(source, how):
            yield replace(chunk, done=start + chunk.done)


def _shaped(
    chunks: Iterator[Chunk], width: int, defaults: Mapping[int, str], extra: list[Field]
) -> Iterator[Chunk]:
    """Add what meta.xml says once for all rows, and what empty cells stand for."""
    if not extra and not defaults:
        yield from chunks
        return
    for chunk in portions(chunks):
        fit = fitted(chunk, width)
        rows = [_with_defaults(row, defaults) for row in fit.rows] if defaults else fit.rows
        yield replace(fit, rows=[row + [_value(row, field) for field in extra] for row in rows])


def _with_defaults(row: list[str], defaults: Mapping[int, str]) -> list[str]:
    filled = list(row)
    for place, default in defaults.items():
        if not filled[place].strip():
            filled[place] = default
    return filled


def _value(row: list[str], field: Field) -> str:
    return (row[field.place] if field.place is not None else "") or field.default


def _relined(source: Source, end: str) -> Source:
    return replace(source, open=lambda: cast("IO[bytes]", io.BufferedReader(_Relined(source.open(), end))))


class _Relined(io.RawIOBase):
    """A text whose rows end with another character, with lines that end where its rows do.

    Whoever chooses such a character has line ends within his fields: these become blanks.
    """

    def __init__(self, file: IO[bytes], end: str) -> None:
        self._file = file
        self._table = bytes.maketrans(b"\r\n" + end.encode("latin-1"), b"  \n")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        block = self._file.read(len(buffer)).translate(self._table)
        buffer[: len(block)] = block
        return len(block)

    def close(self) -> None:
        self._file.close()
        super().close()
