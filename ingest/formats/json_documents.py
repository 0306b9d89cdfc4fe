"""The reader of JSON, GeoJSON and NDJSON: finds the sightings in a document; knows no shape of a record.

The line of a record is, where each line is an object (NDJSON), that line; in any other document, which is
often one single line, the record's number in it, from 1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import IO, Any

from ingest.formats.batches import NoRecord, Row, batches
from ingest.formats.global_sources import origin
from ingest.formats.json_records import Shape, record, shape, unix_time, written
from ingest.formats.json_text import Broken, Path
from ingest.formats.json_values import (
    Item,
    begins_like_json,
    decoding,
    is_one_object_a_line,
    lines,
    pages,
    values,
    whole,
)
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source, Unreadable
from ingest.text import encodings
from ingest.text.text import Chunk
from ingest.words import columns

_MOST_COLUMNS = 5_000
_MOST_LISTS = 1_000
_MOST_SHAPES = 1_000
_SHOWN = 10
_NAMES = ("results", "data", "records", "occurrences", "features", "observations", "sightings", "items")
_TROUBLE = {(name,) for name in ("error", "errors", "message", "detail", "title", "description")}

ABOUT = About(
    text=(
        "A list of objects, alone or under any key of an object (results, data, records, occurrences, "
        "features ...); one object, or one answer of an API, a line (NDJSON, JSON Lines); a "
        "FeatureCollection of GeoJSON, whose properties become columns and whose points become "
        "coordinates; the recorded answers of an API (http_interactions). Objects in objects get dotted "
        "names, lists of single values are joined by '; ', anything deeper is kept as JSON. Numbers stay "
        "as they were written, of a key that comes twice the last value counts, and NaN is nothing. "
        "Records of GBIF, iNaturalist, OBIS and the ALA are known by their keys. Memory does not grow "
        "with the file; one record may be 16 MB long. A date of 13 or 10 digits is milliseconds or "
        "seconds since 1970."
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
    _shapes: set[Shape] = field(default_factory=set)

    def add(self, value: Any) -> None:
        """Look at one more of its values. Raises Broken where keys are no names of columns."""
        if not isinstance(value, dict):
            return
        self.records += 1
        found = shape(value)
        if found not in self._shapes:
            if len(self._shapes) == _MOST_SHAPES:
                self._shapes.clear()
            self._shapes.add(found)
            self.columns.update(dict.fromkeys(record(value)))
            if len(self.columns) > _MOST_COLUMNS:
                raise Broken(f"its objects have more than {_MOST_COLUMNS:,} different keys")


def read(source: Source, wanted: Wanted) -> Table | None:
    """The sightings of a JSON document. Raises Unreadable for one that is broken or has none."""
    if source.path.is_dir() or not begins_like_json(source.head(4_096)):
        return None
    encoding = encodings.find(source)
    items = lines if is_one_object_a_line(source, encoding.name) else values
    document = _Document(source, encoding.name, items, wanted.given)
    try:
        document, columns_ = _choose(document)
    except Broken as error:
        raise Unreadable(f"{source.name} is JSON that cannot be read: {error}.") from None
    return _table(document, columns_, encoding.notes())


@dataclass(frozen=True)
class _Document:
    """A source that holds JSON, and how its values are come by."""

    source: Source
    encoding: str
    how: Callable[[IO[str]], Iterator[Item]]
    given: frozenset[str]
    """Terms that the operator gives."""
    chosen: frozenset[Path] = frozenset()
    """The lists that are read."""
    left: tuple[Path, ...] = ()
    """Lists that hold objects and are not read."""

    def items(self, tell: list[int] | None = None) -> Iterator[Item]:
        """Every value of every list; ``tell`` is told how many bytes have been read. Raises Broken."""
        with self.source.open() as file, decoding(file, self.encoding) as opened:
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


def _choose(document: _Document) -> tuple[_Document, tuple[str, ...]]:
    """Which lists to read, and their columns. Raises Broken, and Unreadable where there is no such list.

    All lists of sightings; where no list looks like one, the likeliest: perhaps the operator says with --map
    what its columns mean.
    """
    lists = document.lists()
    chosen = [path for path, one in lists.items() if _hold_sightings(one.columns, document.given)]
    if not chosen and document.how is lines:
        answers = replace(document, how=pages)
        if any(_hold_sightings(one.columns, document.given) for one in answers.lists().values()):
            return _choose(answers)
    if not chosen:
        root = _root(document)
        if root and _hold_sightings(root, document.given) and (not lists or origin(root).feed):
            return replace(document, how=whole, chosen=frozenset({()})), tuple(root)
        chosen = _likeliest(lists)
        word = next((name for name in root if (name.partition(".")[0],) in _TROUBLE and root[name]), None)
        if not chosen or (word and word.startswith("error")):
            said = f': it says "{word}": {root[word][:200]!r}' if word else ""
            raise Unreadable(f"{document.source.name} is JSON without a list of records{said}.")
    found = {name: None for path in chosen for name in lists[path].columns}
    left = tuple(path for path in lists if path not in chosen)
    return replace(document, chosen=frozenset(chosen), left=left), tuple(found)


def _hold_sightings(names: Iterable[str], given: Collection[str]) -> bool:
    """Whether columns of these names have a date and a name, as far as these terms are not given."""
    names = list(names)
    terms = {*columns.understand(names, origin(names).told).values(), *given}
    return not terms.isdisjoint(columns.NEEDS_DATE) and not terms.isdisjoint(columns.NEEDS_NAME)


def _root(document: _Document) -> dict[str, str]:
    """The document itself as a record; none where it is a list, has many lines, or is too long for one."""
    if document.how is not values:
        return {}
    try:
        value = next(replace(document, how=whole).items())[2]
    except Broken:
        return {}
    return record(value) if isinstance(value, dict) else {}


def _likeliest(lists: Mapping[Path, _List]) -> list[Path]:
    able = [path for path in lists if path[-1:] not in _TROUBLE]
    return sorted(able, key=lambda path: bool(path) and path[-1] not in _NAMES)[:1]


def _table(document: _Document, names: tuple[str, ...], told: tuple[str, ...]) -> Table:
    known = origin(names)
    terms = columns.understand(names, known.told)
    dates = next((names.index(name) for name, term in terms.items() if term == "eventDate"), None)
    notes = list(told)
    if len(document.chosen) > 1:
        notes.append(f"{len(document.chosen)} lists were read: {_named(document.chosen)}")
    if document.left:
        notes.append(f"lists without sightings were not read: {_named(document.left)}")

    def chunks() -> Iterator[Chunk]:
        tell = [0]
        try:
            yield from batches(_rows(document, names, dates, tell), lambda: tell[0])
        except Broken as error:
            raise Unreadable(f"{document.source.name} is JSON that cannot be read: {error}.") from None

    return Table(names, chunks, document.source.size, feed=known.feed, told=known.told, notes=tuple(notes))


def _named(paths: Iterable[Path]) -> str:
    names = sorted(".".join(path) or "the outermost" for path in paths)
    return ", ".join(names[:_SHOWN]) + (" and more" if len(names) > _SHOWN else "")


def _rows(
    document: _Document, names: tuple[str, ...], dates: int | None, tell: list[int]
) -> Iterator[tuple[int, Row]]:
    number = 0
    for path, at, value in document.items(tell):
        if path not in document.chosen and not isinstance(value, NoRecord):
            continue
        number = at if document.how in (lines, pages) else number + 1
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
