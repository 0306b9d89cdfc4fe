"""Bytes to rows of text: encodings, delimiters, quotes and line ends; knows no column and no meaning."""

from __future__ import annotations

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import IO

from ingest.cutting import Cutter
from ingest.rows import Chunk as Chunk
from ingest.source import Source, Unreadable

CHUNK = 20_000
DELIMITERS = "\t;,|"
_SAMPLE_LINES = 40
_SAMPLE_WIDTH = 20_000
_MOST_BINARY = 0.01


@dataclass(frozen=True)
class Dialect:
    """How a text is cut into rows."""

    encoding: str
    delimiter: str
    skip: int = 0
    """Lines above the header: comments that begin with #."""
    quote: str = '"'
    guessed: bool = False
    """The encoding is not what the bytes say of themselves, but what they look like."""


def encoding(source: Source) -> tuple[str, bool]:
    """Its encoding and whether that is a guess: by byte order mark, UTF-8 if all of it is, or its looks."""
    head = source.head(4)
    if head.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", False
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", False
    if _is_utf8(source):
        return "utf-8", False
    return _by_looks(source.head(1 << 18)), True


def _is_utf8(source: Source) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with source.open() as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _by_looks(sample: bytes) -> str:
    from charset_normalizer import from_bytes

    # Windows-1252 and its relatives are what spreadsheets write; without the hint short files are anything.
    best = from_bytes(sample, cp_isolation=["cp1252", "cp1250", "cp1251", "cp932", "gb18030"]).best()
    return best.encoding if best else "cp1252"


def dialect(source: Source) -> Dialect:
    """Find out how this text is cut. Raises Unreadable where it is no table at all."""
    name, guessed = encoding(source)
    with source.open() as file, _decoded(file, name) as text:
        lines = [line[:_SAMPLE_WIDTH] for line in islice(text, _SAMPLE_LINES)]
    _refuse_what_is_no_table(source, "".join(lines))
    skip = next(
        (number for number, line in enumerate(lines) if line.strip() and not line.startswith("#")), len(lines)
    )
    delimiter = _delimiter(lines[skip:])
    if delimiter is None:
        raise Unreadable(
            f"{source.name} is not a table: no delimiter (tab, semicolon, comma or bar) divides its lines."
        )
    return Dialect(name, delimiter, skip, guessed=guessed)


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


def _delimiter(lines: list[str]) -> str | None:
    """The delimiter that cuts most lines into as many fields as the header; on a tie the one with more."""
    best: tuple[float, int, str] | None = None
    for candidate in DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=candidate) if row)
        header = next((len(row) for row in csv.reader(lines[:1], delimiter=candidate)), 0)
        if header < 2:
            continue
        share = widths[header] / max(sum(widths.values()), 1)
        if best is None or (share > 0.5, header) > (best[0] > 0.5, best[1]):
            best = (share, header, candidate)
    return best[2] if best else None


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
