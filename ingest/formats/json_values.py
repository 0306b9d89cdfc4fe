"""The values in a JSON text: one a line, those of its lists, those in recorded answers; knows no record."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import IO, Any

from ingest.formats.batches import NoRecord
from ingest.formats.json_records import written
from ingest.formats.json_text import DEEPEST, LONGEST, Broken, Path, Reader, decode, walk
from ingest.sources.source import Source

Item = tuple[Path, int, Any]
"""The keys that lead to a list, the line if each value has one of its own, and a value of the list."""
_CASSETTE = ("response", "body", "string")
"""Where the recorder of HTTP of Ruby and R (VCR) keeps an answer."""
_FIRST_LINES = 5
_LONGEST_FIRST = 1 << 20
_AROUND = " \t\r\n\x1e\ufeff"  # \x1e stands before each value of RFC 7464


def begins_like_json(head: bytes) -> bool:
    """Whether these first bytes open an object or a list."""
    start = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "ignore")
    start = start.lstrip(" \t\r\n\x1e")
    return start.startswith(("{", "[")) and not start.startswith("{\\rtf")


def decoding(file: IO[bytes], encoding: str) -> IO[str]:
    """A file of bytes as text, with its lines as JSON has them."""
    return io.TextIOWrapper(file, encoding, errors="replace", newline="\n")


def is_one_object_a_line(source: Source, encoding: str) -> bool:
    """Whether the first line is a whole object and not the last; or, if it is broken, one of the next."""
    with source.open() as file, decoding(file, encoding) as opened:
        first = list(filter(None, (line.strip(_AROUND) for line in _first_lines(opened))))
    if len(first) < 2 or not first[0].startswith("{"):
        return False
    # The lines of a document that was printed over several end with what goes on.
    alike = all(line.startswith("{") and not line.endswith(("{", "[", ",")) for line in first)
    return _is_object(first[0]) or (alike and any(map(_is_object, first[1:])))


def _first_lines(opened: IO[str]) -> Iterator[str]:
    for _ in range(_FIRST_LINES):
        line = opened.readline(_LONGEST_FIRST)
        yield line
        if len(line) == _LONGEST_FIRST:
            return  # a document without line breaks


def _is_object(line: str) -> bool:
    try:
        return isinstance(decode(line), dict)
    except Broken:
        return False


def lines(opened: IO[str]) -> Iterator[Item]:
    """One object a line; a line that is none is one bad row. Raises Broken for a line without end."""
    number = 0
    while line := opened.readline(LONGEST):
        number += 1
        if len(line) == LONGEST:
            raise Broken(f"line {number} is longer than {LONGEST >> 20} MB")
        line = line.strip(_AROUND)
        if line:
            yield (), number, _decoded(line)


def _decoded(line: str) -> Any:
    try:
        return decode(line)
    except Broken:
        return NoRecord(line)


def values(opened: IO[str]) -> Iterator[Item]:
    """The values of all lists of one document. Raises Broken."""
    reader = Reader(opened)
    for path, value in walk(reader):
        for inner, one in _played(path, value):
            yield inner, 0, one
    reader.end()


def _played(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """What a recorded answer holds, where the value is one: JSON inside JSON. Any other value as it is."""
    body = value
    for key in _CASSETTE:
        body = body.get(key) if isinstance(body, dict) else None
    if not isinstance(body, str):
        yield path, value
    elif begins_like_json(body[:200].encode(errors="replace")):
        reader = Reader(io.StringIO(body))
        yield from walk(reader, (*path, *_CASSETTE))
        reader.end()


def pages(opened: IO[str]) -> Iterator[Item]:
    """One document a line, and the values of its lists: the answers to one question after the other."""
    for path, number, value in lines(opened):
        found = list(_lists(path, value))
        if not found:
            yield path, number, value if isinstance(value, NoRecord) else NoRecord(written(value))
        for inner, values_ in found:
            for one in values_:
                yield from ((into, number, played) for into, played in _played(inner, one))


def _lists(path: Path, value: Any) -> Iterator[tuple[Path, list[Any]]]:
    if isinstance(value, list):
        yield path, value
    elif isinstance(value, dict) and len(path) < DEEPEST:
        for key, inner in value.items():
            yield from _lists((*path, key), inner)


def whole(opened: IO[str]) -> Iterator[Item]:
    """The document itself, as the only record."""
    yield (), 1, Reader(opened).value()
