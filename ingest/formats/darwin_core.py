"""The reader of Darwin Core Archives: zips or folders whose meta.xml says what they hold; knows no values.

Source: Darwin Core text guide, dwc.tdwg.org/text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace

from ingest.formats.archive_rows import key_column, rows_of
from ingest.formats.bundles import at, base_of, below, inside, is_several, unread
from ingest.formats.joined import Other, join
from ingest.formats.meta_xml import Part, read_meta
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source, Unreadable
from ingest.words import columns, taxa
from ingest.words.values import clean

_META = "meta.xml"
_FEED, _SEVERAL = "feed", "feeds"
_LONGEST_FEED = 200
_OF_THE_CORE = frozenset(
    {
        *("eventDate", "eventTime", "year", "month", "day", "recordedBy"),
        *("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters"),
        *("countryCode", "stateProvince", "county", "locality", "locationID"),
        *taxa.COLUMNS,
    }
)
"""What an occurrence takes from its event or its taxon where it does not say it itself."""


def read(source: Source, _: Wanted) -> Table | None:
    """The occurrences of an archive. Raises Unreadable for a broken archive or one without occurrences."""
    if not is_several(source):
        return None
    files = inside(source)
    if not any(name.rpartition("/")[2] == _META for name in files):
        return None
    files = below(files, base_of(files, r"meta\.xml"))
    core, extensions = read_meta(source, files[_META])
    if core.is_occurrence:
        table = _ours(core, _occurrences(rows_of(source, core, files, "id")))
        return _with_parts(source, table, files, [core], extensions)
    extension = next((part for part in extensions if part.is_occurrence), None)
    if extension is None:
        raise Unreadable(
            f"{source.name} has a core of {core.kind} and no occurrences beside it; occurrences are what can"
            " be read."
        )
    table = _joined(source, core, extension, files)
    return _with_parts(source, table, files, [core, extension], extensions)


def is_archive(names: Collection[str]) -> bool:
    """Whether files of these names are an unpacked archive."""
    return _META in names


def _with_parts(
    source: Source, table: Table, files: Mapping[str, Source], read: list[Part], extensions: list[Part]
) -> Table:
    """A zip is one file; of a folder only what was read is part of the input."""
    if not source.path.is_dir():
        return table
    parts = [found for part in read for one in part.locations if (found := at(files, one))]
    known = "|".join(re.escape(one.casefold()) for part in extensions for one in part.locations)
    notes = (*table.notes, *unread(files, parts, known))
    return replace(table, parts=(files[_META], *parts), notes=notes)


def _ours(core: Part, table: Table) -> Table:
    """With the feed that an archive of our own names for all of its rows.

    In one of several feeds an occurrenceID may come twice: there a record is known by the key of its site.
    """
    said = {one.term: clean(one.default)[:_LONGEST_FEED] for one in core.fields if one.place is None}
    if said.get(_SEVERAL) and "id" in table.columns:
        return replace(table, told={"id": "occurrenceID"})
    return replace(table, feed=said.get(_FEED) or table.feed)


def _occurrences(table: Table) -> Table:
    if "gbifID" not in table.columns:
        return table
    return replace(table, feed="gbif", told={"gbifID": "occurrenceID"})


def _joined(source: Source, core: Part, extension: Part, files: Mapping[str, Source]) -> Table:
    """The occurrences with what their event says of date and place, or their taxon of the name."""
    events = rows_of(source, core, files, "id")
    table = _occurrences(rows_of(source, extension, files, "coreid"))
    known = columns.understand(events.columns)
    takes = {term: column for column, term in known.items() if term in _OF_THE_CORE}
    parent = "parentEventID" if "parentEventID" in events.columns else ""
    alias = "eventID" if parent and "eventID" in events.columns else ""
    own = columns.understand(table.columns, table.told)
    other = Other(events, [key_column(source, core, events)], parent, alias)
    joined = join(table, [key_column(source, extension, table)], takes, other, own)
    return replace(joined, date_order=table.date_order or events.date_order)


ABOUT = About(
    "A Darwin Core Archive, as GBIF, the IPT and OBIS hand it out: a zip (or the folder it was unpacked"
    " to) whose meta.xml says which file holds what, how it is cut and which column is which term. With"
    " an Occurrence core each row of it is a record; the verbatim.txt that GBIF puts beside is left"
    " aside. With an Event core (or a Taxon core) the rows of the occurrence extension are the records,"
    " and each takes from its event what it does not say itself: the date as a whole, the coordinates as"
    " a whole, the words of the place one by one; what the event lacks comes from its parent event. An"
    " occurrence whose event is missing is kept without a date; an event without occurrences is no"
    " record. Values that meta.xml gives once are in every row. Quotes are honoured even where meta.xml"
    " says that there are none, as GBIF writes them. Nothing is fetched: a file or a description that"
    " lies elsewhere stays there.",
    {
        "gbifID": "occurrenceID, and the feed is gbif",
        "eventID, parentEventID": "what an occurrence takes its date and place from",
        "any Darwin Core term": "itself; others are kept with the record as they came",
    },
    "occurrenceID,eventDate,scientificName,individualCount,decimalLatitude,decimalLongitude,countryCode\n"
    "urn:catalog:pond:1,2024-05-03,Rana temporaria,4,51.496,4.774,BE\n"
    "urn:catalog:pond:2,2024-05-03/2024-05-05,Ardea cinerea,1,51.496,4.774,BE\n",
    "https://dwc.tdwg.org/text/",
)
