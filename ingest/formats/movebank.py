"""The reader of Movebank: each fix of a tag is one machine observation of one animal; knows no values.

Source: www.movebank.org/cms/movebank-content/movebank-attribute-dictionary.
"""

from __future__ import annotations

import re

from ingest.formats import delimited
from ingest.formats.reshape import Cells, mentioning, places, with_columns
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source

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

    # Where there is no column that could say so, every event is an animal's.
    worn = at.get("individualtaxoncanonicalname", at["eventid"])
    needs: list[int | None] = [at.get("visible"), at["locationlat"], at["locationlong"], worn]
    needs += [at.get("individuallocalidentifier"), at["timestamp"]]
    return with_columns(table, _ADDED, needs, _change, told)


def _change(row: Cells) -> Cells | str:
    *said, timestamp = row
    return _why_not(*(cell.strip() for cell in said)) or (_moment(timestamp), "1", "MachineObservation")


def _why_not(visible: str, latitude: str, longitude: str, taxon: str, individual: str) -> str:
    """Why an event is no sighting: withdrawn by its owner, without a place, or of a tag on no animal."""
    if visible.lower() == "false":
        return "OUTLIER"
    if not latitude and not longitude:
        return "NO_FIX"
    return "" if taxon or individual else "NO_ANIMAL"


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
