"""Files that only grow, such as logs: what was appended since they were read; knows no database.

The whole file is hashed, which is quick, so that nothing but an untouched beginning is passed over; only the
rows behind it are cut, understood and stored.
"""

from __future__ import annotations

import codecs
import hashlib
import io
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO

from ingest.formats import FORMATS, open_table
from ingest.formats.table import Table, Wanted
from ingest.sources.source import DAMAGE, Source, Unreadable
from ingest.sources.stretches import Stretches
from ingest.sources.unfinished import is_text
from ingest.text.rows import Chunk

_BLOCK = 1 << 20
_BEGINNING = 1 << 16
_LONGEST_LINE = 16 << 20
_QUIET = 60.0
"""Seconds without a change, after which nobody is in the middle of a line."""


@dataclass(frozen=True)
class Earlier:
    """What the ledger keeps of the last reading of an input."""

    size: int
    """Bytes."""
    sha256: str
    format: str
    columns: tuple[str, ...]
    delimiter: str


@dataclass(frozen=True)
class Tail:
    """What was appended in whole lines, and the input up to their end."""

    table: Table
    size: int
    sha256: str
    waits: bool
    """A last line has no end yet: it is read when it has one."""


@dataclass
class _Measured:
    """A stretch of bytes that was looked at: how it hangs together with what follows."""

    size: int = 0
    lines: int = 0
    quotes: int = 0
    last: bytes = b""
    ascii: bool = True
    utf8: bool = True

    def __post_init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, block: bytes) -> None:
        split = self.last == b"\r" and block[:1] == b"\n"  # one end of a line, cut in two
        self.lines += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n") - split
        self.size += len(block)
        self.quotes += block.count(b'"')
        self.last = block[-1:] or self.last
        self.ascii = self.ascii and block.isascii()
        try:
            self._decoder.decode(block)
        except UnicodeDecodeError:
            self.utf8 = False


def tail(source: Source, earlier: Earlier, wanted: Wanted = Wanted()) -> Tail | None:  # noqa: B008 - frozen
    """The rows behind those that an earlier run has read; None where the file must be read from its start.

    That is so where it is no plain text or has not grown, where its beginning has changed or ended within a
    line or a quoted cell, and where what follows looks different from what came before. Lines are numbered
    as in the whole file.
    """
    if not _can_grow(source, earlier):
        return None
    try:
        return _tail(source, earlier, wanted)
    except (Unreadable, *DAMAGE, ValueError):
        return None  # read as a whole, it will be told what is wrong


def _can_grow(source: Source, earlier: Earlier) -> bool:
    grows = any(known.grows for known in FORMATS if known.name == earlier.format)
    if not grows or not source.on_disk or source.path.is_dir() or not 0 < earlier.size < source.size:
        return False
    return is_text(source.head(1024))


def _tail(source: Source, earlier: Earlier, wanted: Wanted) -> Tail | None:
    digest = hashlib.sha256()
    before, behind = _Measured(), _Measured()
    with source.open() as file:
        beginning = _take(file, earlier.size, digest, before)
        if digest.hexdigest() != earlier.sha256 or before.last != b"\n":
            return None
        whole_lines = _take_lines(file, digest, behind)
    if not behind.ascii and not (before.utf8 and behind.utf8):
        return None  # in what encoding, only all of it together tells
    above = _lines_above(source, beginning, earlier.format, wanted)
    # In an even number of quotes every quoted cell is closed; in JSON a quote may be a letter.
    if above is None or (above and (before.quotes % 2 or behind.quotes % 2)):
        return None
    head = b"".join(_lines(beginning)[:above])
    table = _table(source, earlier, wanted, len(head), behind)
    if table is None:
        return None
    end = earlier.size + behind.size
    if end < source.size and _is_quiet(source):
        return None  # a last line without an end is common, and whole where nobody has written on
    numbered = _renumbered(table, before.lines - above)
    return Tail(numbered, end, whole_lines, waits=end < source.size)


def _is_quiet(source: Source) -> bool:
    return time.time() - source.path.stat().st_mtime > _QUIET


def _take(file: IO[bytes], size: int, digest: hashlib._Hash, measured: _Measured) -> bytes:
    """Look at so many bytes; returns the first few."""
    beginning = b""
    while measured.size < size and (block := file.read(min(_BLOCK, size - measured.size))):
        beginning = beginning or block[:_BEGINNING]
        digest.update(block)
        measured.add(block)
    return beginning


def _take_lines(file: IO[bytes], digest: hashlib._Hash, measured: _Measured) -> str:
    """Look at the rest as far as its lines have an end; returns the digest of all up to there."""
    rest = b""
    while block := file.read(_BLOCK):
        rest += block
        end = rest.rfind(b"\n") + 1
        digest.update(rest[:end])
        measured.add(rest[:end])
        rest = rest[end:]
        if len(rest) > _LONGEST_LINE:
            raise Unreadable(f"a line is longer than {_LONGEST_LINE:,} bytes")
    return digest.hexdigest()


def _lines(content: bytes) -> list[bytes]:
    text = io.TextIOWrapper(io.BytesIO(content), "latin-1", newline="")
    return [line.encode("latin-1") for line in text]


def _lines_above(source: Source, beginning: bytes, form: str, wanted: Wanted) -> int | None:
    """How many lines stand above the first row."""
    if beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return 0
    size = beginning.rfind(b"\n") + 1
    start = _part(source, (0, size))
    # A row that is skipped has no line; so let none be.
    _, table = open_table(start, form, replace(wanted, min_confidence=0.0))
    first = next(table.chunks(), None)
    if first is None or first.skipped or not (first.lines or first.unfit):
        return None
    return min([*first.lines[:1], *(line for line, _ in first.unfit[:1])]) - 1


def _table(source: Source, earlier: Earlier, wanted: Wanted, head: int, behind: _Measured) -> Table | None:
    if not behind.size:
        return Table(earlier.columns, lambda: iter(()), 0, earlier.delimiter)
    part = _part(source, (0, head), (earlier.size, earlier.size + behind.size))
    _, table = open_table(part, earlier.format, wanted)
    same = (table.columns, table.delimiter) == (earlier.columns, earlier.delimiter)
    return table if same else None


def _part(source: Source, *stretches: tuple[int, int]) -> Source:
    def open_part() -> IO[bytes]:
        return io.BufferedReader(Stretches(source.open(), *stretches), _BLOCK)

    size = sum(end - start for start, end in stretches)
    return replace(source, size=size, open=open_part, on_disk=False)


def _renumbered(table: Table, by: int) -> Table:
    def chunks() -> Iterator[Chunk]:
        for chunk in table.chunks():
            first = chunk.lines[0] if chunk.lines else 0
            # Rows that lie one to a line, as they mostly do, need no list of numbers.
            plain = isinstance(chunk.lines, range)
            lines = (
                range(first + by, first + by + len(chunk.lines)) if plain else [n + by for n in chunk.lines]
            )
            yield replace(chunk, lines=lines, unfit=[(line + by, row) for line, row in chunk.unfit])

    return replace(table, chunks=chunks)
