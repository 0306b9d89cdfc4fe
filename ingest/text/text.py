"""Text to rows: where its header stands, delimiters, quotes and line ends; knows no value."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO, NamedTuple

from ingest.sources.source import Source, Unreadable
from ingest.text import encodings, header
from ingest.text.cutting import Cutter
from ingest.text.rows import Chunk as Chunk

CHUNK = 20_000
DELIMITERS = "\t;,|"
_SAMPLE_LINES = 40
_MOST_COMMENTS = 10_000
_SAMPLE_WIDTH = 20_000
_MOST_BINARY = 0.01
_FILLING = " \t;,|\r\n\ufeff"


@dataclass(frozen=True)
class Dialect:
    """How a text is cut into rows."""

    encoding: str
    delimiter: str
    skip: int = 0
    """Lines above the header: titles, and comments that begin with #."""
    quote: str = '"'
    notes: tuple[str, ...] = ()
    """What a person should know: a guessed encoding, lines that were passed over."""


def dialect(source: Source) -> Dialect:
    """Find out how this text is cut. Raises Unreadable where it is no table at all."""
    encoding = encodings.find(source)
    with source.open() as file, _decoded(file, encoding.name) as text:
        comments, lines = _sample(text)
    _refuse_what_is_no_table(source, "".join(lines))
    cut = _best_cut(lines)
    if cut is None:
        raise Unreadable(
            f"{source.name} is not a table: no delimiter (tab, semicolon, comma or bar) divides its lines."
        )
    notes = encoding.notes()
    if any(line.strip(_FILLING) and not line.startswith("#") for line in lines[: cut.above]):
        notes += (f"the header was found on line {comments + cut.above + 1}",)
    return Dialect(encoding.name, cut.delimiter, comments + cut.above, notes=notes)


def _sample(text: IO[str]) -> tuple[int, list[str]]:
    """How many lines of comment come first, and the lines from the last of them on."""
    comments, last = 0, ""
    for line in islice(text, _MOST_COMMENTS):
        if line.strip() and not line.startswith("#"):
            lines = [last, line] if last else [line]
            lines += islice(text, _SAMPLE_LINES)
            return comments - bool(last), [line[:_SAMPLE_WIDTH] for line in lines]
        comments, last = comments + 1, line
    return 0, [last]


def _refuse_what_is_no_table(source: Source, text: str) -> None:
    start = text.lstrip("\ufeff \t\r\n")[:200].lower()
    if not start:
        raise Unreadable(f"{source.name} is empty.")
    if start.startswith(("<!doctype", "<html", "<head", "<body", "<?xml")):
        raise Unreadable(f"{source.name} is a web page or XML, not a table: the download probably failed.")
    if start.startswith(("{", "[")):
        raise Unreadable(f"{source.name} is JSON, not a table of text; --format json reads it.")
    if sum(map(text.count, "\x00\x01\x02\x03\x04\x05\x06")) > _MOST_BINARY * len(text):
        raise Unreadable(f"{source.name} is not text: it holds binary data, or a packed file.")


class _Cut(NamedTuple):
    """The first lines, cut at one delimiter."""

    understood: int
    regular: bool
    """Most rows are as wide as the header."""
    width: int
    delimiter: str
    above: int
    """Lines above the header."""


def _best_cut(lines: list[str]) -> _Cut | None:
    """The cut whose header is best understood; on a tie the one that fits most rows, then the wider."""
    cuts = [cut for delimiter in DELIMITERS if (cut := _cut_at(delimiter, lines))]
    return max(cuts, key=lambda cut: (cut.understood, cut.regular, cut.width), default=None)


def _cut_at(delimiter: str, lines: list[str]) -> _Cut | None:
    reader = csv.reader(lines, delimiter=delimiter)
    rows, begins = [], []
    line = 0
    for row in reader:
        rows.append([cell.strip() for cell in row])
        begins.append(line)
        line = reader.line_num
    found = header.find(rows)
    if found is None:
        return None
    widths = Counter(len(row) for row in rows[found.place :] if row)
    width = len(rows[found.place])
    regular = widths[width] > widths.total() / 2
    return _Cut(found.understood, regular, width, delimiter, begins[found.place])


def chunks(source: Source, how: Dialect) -> Iterator[Chunk]:
    """All rows below the skipped lines, header first. Raises Unreadable where the text breaks off."""
    with source.open() as file, _decoded(file, how.encoding) as text:
        for _ in range(how.skip):
            text.readline()
        yield from Cutter(
            source.name, text, how.delimiter, how.quote, how.skip + 1, CHUNK, lambda: _position(file)
        ).chunks()


def _decoded(file: IO[bytes], encoding: str) -> IO[str]:
    return io.TextIOWrapper(file, encoding, errors="replace", newline="")


def _position(file: IO[bytes]) -> int:
    try:
        return file.tell()
    except (OSError, ValueError):
        return 0


def join(row: list[str], delimiter: str) -> str:
    """A row as it could stand in the input, for the eyes of a person."""
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator="").writerow(row)
    return out.getvalue()
