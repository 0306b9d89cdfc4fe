"""The reader of JSON, GeoJSON and NDJSON: finds the sightings in a document; knows no shape of a record.

The line of a record is, where each line is an object (NDJSON), that line; in any other document, which is
often one single line, the record's number in it, from 1.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from ingest import columns, text
from ingest.formats.batches import NoRecord, Row, batches
from ingest.formats.global_sources import origin
from ingest.formats.json_records import record, unix_time, written
from ingest.formats.json_text import LONGEST, Broken, Path, Reader, decode, walk
from ingest.formats.table import About, Table, Wanted
from ingest.source import Source, Unreadable
from ingest.text import Chunk

_MOST_COLUMNS = 5_000
_MOST_LISTS = 1_000
_CASSETTE = ("response", "body", "string")
_NAMES = ("results", "data", "records", "occurrences", "features", "observations", "sightings", "items")
_TROUBLE = {(name,) for name in ("error", "errors", "message", "detail", "title", "description")}
Item = tuple[Path, int, Any]
"""The keys that lead to a list, the line if each value has one of its own, and a value of the list."""

ABOUT = About(
    text=(
        "A list of objects, alone or under any key of an object (results, data, records, occurrences, "
        "features ...); one object a line (NDJSON, JSON Lines); a FeatureCollection of GeoJSON, whose "
        "properties become columns and whose points become coordinates; the recorded answers of an API "
        "(http_interactions). Objects in objects get dotted names, lists of single values are joined by "
        "'; ', anything deeper is kept as JSON. Numbers stay as they were written, of a key that comes "
        "twice the last value counts, and NaN is nothing. Records of GBIF, iNaturalist, OBIS and the ALA "
        "are known by their keys. Memory does not grow with the file; one record may be 16 MB long. A "
        "date of 13 or 10 digits is milliseconds or seconds since 1970."
    ),
    columns={
        "key, gbifID": "occurrenceID, in an answer of GBIF's API",
        "issues": "issue, in an answer of GBIF's API",
        "id": "occurrenceID, in an answer of iNaturalist's or OBIS's API",
        "observed_on": "eventDate",
        "taxon.name": "scientificName",
        "taxon.preferred_common_name": "vernacularName",
        "location": "decimalLatitude and decimalLongitude, in an answer of iNaturalist's API",
        "user.login": "recordedBy",
        "uuid": "occurrenceID, in an answer of the ALA",
        "geometry": "decimalLongitude and decimalLatitude, of a Point",
        "anything else": "by its name, as in any table",
    },
    sample=(
        '{"results": [\n'
        '  {"id": "a1", "date": "2024-05-03", "species": "Lynx lynx", "count": 1, "site": {"name": "A"}},\n'
        '  {"id": "a2", "date": "2024-05-04", "species": "Ursus arctos", "count": 2}\n'
        "]}\n"
    ),
    source="RFC 8259 (JSON), RFC 7946 (GeoJSON), github.com/ndjson/ndjson-spec",
)


@dataclass
class _List:
    """One list of a document, as far as it has been seen."""

    columns: dict[str, None] = field(default_factory=dict)
    records: int = 0

    def add(self, value: Any) -> None:
        """Look at one more of its values. Raises Broken where keys are no names of columns."""
        if isinstance(value, dict):
            self.records += 1
            self.columns.update(dict.fromkeys(record(value)))
            if len(self.columns) > _MOST_COLUMNS:
                raise Broken(f"its objects have more than {_MOST_COLUMNS:,} different keys")

    def holds_sightings(self) -> bool:
        """Whether its objects have a date and a name."""
        terms = set(columns.understand(self.columns, origin(self.columns).told).values())
        return not terms.isdisjoint(columns.NEEDS_DATE) and not terms.isdisjoint(columns.NEEDS_NAME)


def read(source: Source, _: Wanted) -> Table | None:
    """The sightings of a JSON document. Raises Unreadable for one that is broken or has none."""
    if source.path.is_dir() or not _begins_like_json(source.head(4_096)):
        return None
    encoding, guessed = text.encoding(source)
    items = _lines if _is_one_object_a_line(source, encoding) else _values
    document = _Document(source, encoding, items)
    try:
        document, columns_ = _choose(document)
    except Broken as error:
        raise Unreadable(f"{source.name} is JSON that cannot be read: {error}.") from None
    return _table(document, columns_, guessed)


def _begins_like_json(head: bytes) -> bool:
    start = head[:200].decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "ignore")
    start = start.lstrip(" \t\r\n\x1e")
    return start.startswith(("{", "[")) and not start.startswith("{\\rtf")


@dataclass(frozen=True)
class _Document:
    """A source that holds JSON, and how its values are come by."""

    source: Source
    encoding: str
    how: Callable[[IO[str]], Iterator[Item]]
    chosen: frozenset[Path] = frozenset()
    """The lists that are read."""

    def items(self, tell: list[int] | None = None) -> Iterator[Item]:
        """Every value of every list; ``tell`` is told how many bytes have been read. Raises Broken."""
        with (
            self.source.open() as file,
            io.TextIOWrapper(file, self.encoding, "replace", newline="\n") as opened,
        ):
            for item in self.how(opened):
                if tell is not None:
                    tell[0] = _position(file)
                yield item

    def lists(self) -> dict[Path, _List]:
        """What lists there are. Raises Broken."""
        found: dict[Path, _List] = {}
        for path, _, value in self.items():
            one = found.get(path)
            if one is None:
                if len(found) == _MOST_LISTS:
                    raise Broken(f"it has more than {_MOST_LISTS:,} lists")
                one = found[path] = _List()
            one.add(value)
        return {path: one for path, one in found.items() if one.records}


def _is_one_object_a_line(source: Source, encoding: str) -> bool:
    """Whether one of the first lines is a whole object, and something comes after it."""
    with source.open() as file, io.TextIOWrapper(file, encoding, "replace", newline="\n") as opened:
        first = [line for line in (opened.readline(LONGEST) for _ in range(5)) if line.strip()]
    whole = [line for line in first if line.strip(_AROUND).startswith("{") and line.rstrip().endswith("}")]
    return len(first) > 1 and first[0].strip(_AROUND).startswith("{") and any(map(_is_object, whole))


_AROUND = " \t\r\n\x1e\ufeff"  # \x1e stands before each value of RFC 7464


def _is_object(line: str) -> bool:
    try:
        return isinstance(decode(line.strip(_AROUND)), dict)
    except Broken:
        return False


def _lines(opened: IO[str]) -> Iterator[Item]:
    """One object a line; a line that is none is one bad row."""
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


def _values(opened: IO[str]) -> Iterator[Item]:
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
    elif _begins_like_json(body[:200].encode(errors="replace")):
        reader = Reader(io.StringIO(body))
        yield from walk(reader, (*path, *_CASSETTE))
        reader.end()


def _whole(opened: IO[str]) -> Iterator[Item]:
    """The document itself, as the only record."""
    yield (), 1, Reader(opened).value()


def _choose(document: _Document) -> tuple[_Document, tuple[str, ...]]:
    """Which lists to read, and their columns. Raises Broken, and Unreadable where there is no such list.

    All lists of sightings; where no list looks like one, the likeliest: perhaps the operator says with --map
    what its columns mean.
    """
    lists = document.lists()
    chosen = [path for path, one in lists.items() if one.holds_sightings()]
    if not chosen and document.how is _values:
        root = _root(document)
        if root.holds_sightings() and (not lists or origin(root.columns).feed):
            return replace(document, how=_whole, chosen=frozenset({()})), tuple(root.columns)
        lists = {path: one for path, one in lists.items() if path[-1:] not in _TROUBLE}
        chosen = [] if "error" in root.columns else _likeliest(lists)
    elif not chosen:
        chosen = list(lists)
    if not chosen:
        raise Unreadable(f"{document.source.name} is JSON without a list of records{_trouble(document)}.")
    found = {name: None for path in chosen for name in lists[path].columns}
    return replace(document, chosen=frozenset(chosen)), tuple(found)


def _root(document: _Document) -> _List:
    try:
        return replace(document, how=_whole).lists().get((), _List())
    except Broken:
        return _List()  # too long for one record


def _likeliest(lists: Mapping[Path, _List]) -> list[Path]:
    return sorted(lists, key=lambda path: not path or path[-1] not in _NAMES)[:1]


def _trouble(document: _Document) -> str:
    """What a server says in place of the records."""
    if document.how is not _values:
        return ""
    root = next(replace(document, how=_whole).items())[2]
    said = record(root) if isinstance(root, dict) else {}
    word = next((name for name in said if (name.partition(".")[0],) in _TROUBLE and said[name]), None)
    return f': it says "{word}": {said[word][:200]!r}' if word else ""


def _table(document: _Document, names: tuple[str, ...], guessed: bool) -> Table:
    known = origin(names)
    terms = columns.understand(names, known.told)
    dates = next((names.index(name) for name, term in terms.items() if term == "eventDate"), None)
    notes = [f"the encoding {document.encoding} was guessed"] if guessed else []
    if len(document.chosen) > 1:
        lists = sorted(".".join(path) or "the outermost" for path in document.chosen)
        notes.append(f"{len(lists)} lists were read: {', '.join(lists[:10])}")

    def chunks() -> Iterator[Chunk]:
        tell = [0]
        try:
            yield from batches(_rows(document, names, dates, tell), lambda: tell[0])
        except Broken as error:
            raise Unreadable(f"{document.source.name} is JSON that cannot be read: {error}.") from None

    return Table(names, chunks, document.source.size, feed=known.feed, told=known.told, notes=tuple(notes))


def _rows(
    document: _Document, names: tuple[str, ...], dates: int | None, tell: list[int]
) -> Iterator[tuple[int, Row]]:
    number = 0
    for path, at, value in document.items(tell):
        if path not in document.chosen:
            continue
        number = at if document.how is _lines else number + 1
        if not isinstance(value, dict):
            yield number, value if isinstance(value, NoRecord) else NoRecord(written(value))
            continue
        cells = record(value)
        row = [cells.get(name, "") for name in names]
        if dates is not None and row[dates].isdecimal():
            row[dates] = unix_time(row[dates]) or row[dates]
        yield number, row


def _position(file: IO[bytes]) -> int:
    try:
        return file.tell()
    except (OSError, ValueError):
        return 0
