"""The reader of Darwin Core Archives: zips whose meta.xml says what they hold; knows no term's meaning.

Source: Darwin Core text guide, dwc.tdwg.org/text.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, parse

from ingest import text
from ingest.formats.table import Table, Wanted, unique
from ingest.source import Source, Unreadable, is_zip, members
from ingest.text import Chunk, Dialect

_NS = "{http://rs.tdwg.org/dwc/text/}"
_ESCAPES = {"\\t": "\t", "\\n": "\n", "\\r": "\r", "&#9;": "\t"}


def read(source: Source, _: Wanted) -> Table | None:
    """The occurrences of an archive. Raises Unreadable for a broken archive or one with another core."""
    if not is_zip(source):
        return None
    files = {member.name.rpartition("/")[2]: member for member in members(source)}
    if "meta.xml" not in files:
        return None
    core = _core(source, files["meta.xml"])
    location = (core.findtext(f"{_NS}files/{_NS}location") or "").strip()
    if location not in files:
        raise Unreadable(f"{source.name} has no file {location!r}, which its meta.xml names as the core.")
    try:
        return _table(files[location], core)
    except (ValueError, LookupError) as error:
        raise Unreadable(f"{source.name} has a meta.xml that cannot be understood ({error}).") from None


def _core(source: Source, meta: Source) -> Element:
    try:
        with meta.open() as file:
            tree = parse(file, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        raise Unreadable(f"{source.name} has a meta.xml that cannot be read ({error}).") from None
    core: Element | None = tree.find(f"{_NS}core")
    if core is None:
        raise Unreadable(f"{source.name} has a meta.xml without a core.")
    kind = core.get("rowType", "").rpartition("/")[2]
    if kind != "Occurrence":
        raise Unreadable(
            f"{source.name} has a core of {kind or 'no kind'}; an Occurrence core is what can be read."
        )
    return core


def _table(file: Source, core: Element) -> Table:
    fields = core.findall(f"{_NS}field")
    by_place = {int(field.get("index", "")): field.get("term", "") for field in fields if field.get("index")}
    identifier = core.find(f"{_NS}id")
    if identifier is not None:
        by_place.setdefault(int(identifier.get("index", "0")), "id")
    width = max(by_place) + 1
    names = unique([by_place.get(place, "").rpartition("/")[2] for place in range(width)])
    fixed = {
        field.get("term", "").rpartition("/")[2]: field.get("default", "")
        for field in fields
        if not field.get("index")
    }
    how = _dialect(core)
    return Table(
        columns=names + tuple(fixed),
        chunks=lambda: _with_fixed(text.chunks(file, how), width, list(fixed.values())),
        size=file.size,
        delimiter=how.delimiter,
        feed="gbif" if "gbifID" in names else None,
        told={"gbifID": "occurrenceID"} if "gbifID" in names else {},
    )


def _dialect(core: Element) -> Dialect:
    """How the core file is cut. Quotes are honoured even where meta.xml says that there are none.

    GBIF declares fieldsEnclosedBy="" and quotes all the same whatever has a quote in it: taken at its word,
    the doubled quotes would stay in the text.
    """
    delimiter = _character(core.get("fieldsTerminatedBy", ",")) or ","
    encoding = core.get("encoding", "UTF-8")
    quote = _character(core.get("fieldsEnclosedBy", '"')) or '"'
    if len(delimiter) != 1 or len(quote) != 1:
        raise ValueError(f"fields that end with {delimiter!r} and stand between {quote!r}")
    codecs.lookup(encoding)
    return Dialect(encoding, delimiter, int(core.get("ignoreHeaderLines", "0")), quote)


def _character(text: str) -> str:
    return _ESCAPES.get(text, text)


def _with_fixed(chunks: Iterator[Chunk], width: int, fixed: list[str]) -> Iterator[Chunk]:
    """Add what meta.xml says once for all rows."""
    for chunk in chunks:
        if not fixed:
            yield chunk
            continue
        fits = [not any(row[width:]) for row in chunk.rows]
        numbered = list(zip(chunk.lines, chunk.rows, fits, strict=True))
        unfit = [(line, row) for line, row, fit in numbered if not fit]
        rows = [(row + [""] * (width - len(row)))[:width] + fixed for _, row, fit in numbered if fit]
        yield Chunk([line for line, _, fit in numbered if fit], rows, chunk.done, unfit)
