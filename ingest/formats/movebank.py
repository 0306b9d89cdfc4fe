"""The reader of Movebank: each fix of a tag is one machine observation of one animal; knows no values.

Source: www.movebank.org/cms/movebank-content/movebank-attribute-dictionary.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ingest.formats import delimited
from ingest.formats.reshape import mentioning, places, with_columns
from ingest.formats.table import About, Table, Wanted
from ingest.source import Source

_NEEDED = frozenset({"eventid", "timestamp", "locationlong", "locationlat"})
_TOLD = {
    "eventid": "occurrenceID",
    "individualtaxoncanonicalname": "scientificName",
    "locationlong": "decimalLongitude",
    "locationlat": "decimalLatitude",
}
_ADDED = ("eventDate", "individualCount", "basisOfRecord")
_MIDNIGHT = re.compile(r"[ T]00:00(?::00(?:\.\d+)?)?\Z")
_OFFSET = re.compile(r"(?:Z|UTC|[+-]\d{2}:?\d{2})\Z")


def read(source: Source, wanted: Wanted) -> Table | None:
    """A table of events, with the names of Movebank's download (event-id) or of its interface (event_id)."""
    found = mentioning(source, "timestamp", "location")
    if found is None:
        return None
    table = delimited.read_table(found, wanted)
    at = places(table.columns)
    if not at.keys() >= _NEEDED:
        return None
    told = {table.columns[at[name]]: term for name, term in _TOLD.items() if name in at}

    def change(row: list[str]) -> list[str] | str:
        return _why_not(row, at) or [_moment(row[at["timestamp"]]), "1", "MachineObservation"]

    return with_columns(table, _ADDED, change, told)


def _why_not(row: list[str], at: Mapping[str, int]) -> str:
    """Why an event is no sighting: withdrawn by its owner, without a place, or of a tag on no animal."""
    if "visible" in at and row[at["visible"]].strip().lower() == "false":
        return "OUTLIER"
    if not row[at["locationlat"]].strip() and not row[at["locationlong"]].strip():
        return "NO_FIX"
    worn = [name for name in ("individualtaxoncanonicalname", "individuallocalidentifier") if name in at]
    return "NO_ANIMAL" if worn and not any(row[at[name]].strip() for name in worn) else ""


def _moment(timestamp: str) -> str:
    """Movebank's times are in UTC and do not say so. A fix at midnight is one: it must not seem untimed."""
    text = timestamp.strip()
    if not text or _OFFSET.search(text):
        return text
    return _MIDNIGHT.sub(" 12:00:00 AM", text) + "Z"


ABOUT = About(
    text=(
        "The events of a study, downloaded from movebank.org as CSV. Each fix of a tag is one machine"
        " observation of one animal, so a track of a thousand fixes is a thousand records: ask for days or"
        " sites rather than for records. Times are UTC; --timezone moves them. Events that are marked"
        " visible=false are skipped as OUTLIER, events without coordinates as NO_FIX (a sensor spoke, not"
        " the positioning), those of a tag that no animal wears as NO_ANIMAL."
    ),
    columns={
        "event-id": "occurrenceID",
        "visible": "false: skipped",
        "timestamp": "eventDate, in UTC",
        "location-lat": "decimalLatitude",
        "location-long": "decimalLongitude",
        "individual-taxon-canonical-name": "scientificName",
    },
    sample=(
        "event-id,visible,timestamp,location-long,location-lat,sensor-type,individual-taxon-canonical-name,"
        "tag-local-identifier,individual-local-identifier,study-name\n"
        '1000001,true,2024-05-01 06:10:00.000,4.2175,51.3179,"gps","Larus fuscus","101","L1","Gulls"\n'
        '1000002,false,2024-05-01 06:20:00.000,94.2175,1.3179,"gps","Larus fuscus","101","L1","Gulls"\n'
        '1000003,true,2024-05-01 06:30:00.000,4.2177,51.3217,"gps","Larus fuscus","101","L1","Gulls"\n'
    ),
    source="www.movebank.org, Movebank attribute dictionary",
)
