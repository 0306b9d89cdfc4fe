"""What the meta.xml of a Darwin Core Archive says: its files, how they are cut, their columns; reads no rows.

Source: Darwin Core text guide, dwc.tdwg.org/text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, parse

from ingest.sources.source import Source, Unreadable
from ingest.text.text import Dialect
from ingest.words.days import Order

_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "\\r\\n": "\r\n", "&#9;": "\t"}
_LINE_ENDS = ("", "\n", "\r", "\r\n", " ", "  ")
"""What any text is cut at anyway; XML makes blanks of line ends that are written as they are."""
_INCLUDE = "{http://www.w3.org/2001/XInclude}"
_NO_ROW_TYPE = "http://rs.tdwg.org/dwc/xsd/simpledarwincore/SimpleDarwinRecord"
_LONGEST = 4 << 20
_MOST_COLUMNS = 5_000


@dataclass(frozen=True)
class Field:
    """A column: its term, its place from 0 if the file has it, and what an empty cell stands for."""

    term: str
    place: int | None
    default: str = ""


@dataclass(frozen=True)
class Part:
    """The core or an extension."""

    kind: str
    """The kind of its rows: Occurrence, Event, Taxon."""
    locations: tuple[str, ...]
    how: Dialect
    line_end: str
    """The character that ends a row, where it is none of those that end every line; else ''."""
    key: int | None
    """The place of the identifier that the rows of core and extension share."""
    fields: tuple[Field, ...]
    date_order: Order | None

    @property
    def is_occurrence(self) -> bool:
        """Whether its rows are sightings; what an archive of old calls a record is one, too."""
        return self.kind.casefold() in ("occurrence", "darwinrecord", "simpledarwinrecord")


def read_meta(source: Source, meta: Source) -> tuple[Part, list[Part]]:
    """The core and the extensions. Raises Unreadable for a meta.xml that cannot be read or understood."""
    try:
        if meta.size > _LONGEST:
            raise ValueError(f"it is {meta.size:,} bytes long")
        with meta.open() as file:
            tree = parse(file, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"{source.name} has a meta.xml that cannot be read ({error}).") from None
    core = tree.find("{*}core")
    if core is None:
        raise Unreadable(f"{source.name} has a meta.xml without a core.")
    try:
        if any(str(element.tag).startswith(_INCLUDE) for element in tree.iter()):
            raise ValueError("it includes other files")
        return _part(core, "id"), [_part(one, "coreid") for one in tree.findall("{*}extension")]
    except (ValueError, LookupError) as error:
        raise Unreadable(f"{source.name} has a meta.xml that cannot be understood ({error}).") from None


def _part(element: Element, key: str) -> Part:
    identifier = element.find(f"{{*}}{key}")
    line_end = _character(element.get("linesTerminatedBy", "\n"))
    if line_end not in _LINE_ENDS and len(line_end) != 1:
        raise ValueError(f"lines that end with {line_end!r}")
    return Part(
        kind=_last(element.get("rowType", _NO_ROW_TYPE)),
        locations=tuple(
            (location.text or "").strip() for location in element.iterfind("{*}files/{*}location")
        ),
        how=_dialect(element),
        line_end="" if line_end in _LINE_ENDS else line_end,
        key=None if identifier is None else _place(identifier.get("index", "0")),
        fields=tuple(map(_field, element.findall("{*}field"))),
        date_order=_date_order(element.get("dateFormat", "")),
    )


def _field(element: Element) -> Field:
    place = element.get("index", "").strip()
    return Field(_last(element.get("term", "")), _place(place) if place else None, element.get("default", ""))


def _last(term: str) -> str:
    return re.split(r"[/#]", term.strip())[-1]


def _place(text: str) -> int:
    place = int(text)
    if not 0 <= place < _MOST_COLUMNS:
        raise ValueError(f"a column with the index {place}")
    return place


def _dialect(element: Element) -> Dialect:
    """How a file is cut. Quotes are honoured even where meta.xml says that there are none.

    GBIF declares fieldsEnclosedBy="" and quotes all the same whatever has a quote in it: taken at its word,
    the doubled quotes would stay in the text.
    """
    delimiter = _character(element.get("fieldsTerminatedBy", ",")) or ","
    quote = _character(element.get("fieldsEnclosedBy", '"')) or '"'
    if delimiter == " ":
        delimiter = "\t"  # a tab that was written as it is: XML makes a blank of it
    if len(delimiter) != 1 or len(quote) != 1 or delimiter in "\r\n":
        raise ValueError(f"fields that end with {delimiter!r} and stand between {quote!r}")
    encoding = codecs.lookup(element.get("encoding", "").strip() or "UTF-8").name
    skip = int(element.get("ignoreHeaderLines", "").strip() or "0")
    if skip < 0:
        raise ValueError(f"{skip} lines of header")
    return Dialect("utf-8-sig" if encoding == "utf-8" else encoding, delimiter, skip, quote)


def _character(text: str) -> str:
    return _ESCAPES.get(text, text)


def _date_order(written: str) -> Order | None:
    """The order in a format like DD/MM/YYYY; None for one that begins with the year and so needs none."""
    order = "".join(dict.fromkeys(letter for letter in written.upper() if letter in "YMD"))
    if order in ("", "Y", "YM", "YMD"):
        return None
    if order == "DMY":
        return "DMY"
    if order == "MDY":
        return "MDY"
    raise ValueError(f"dates written as {written}")
