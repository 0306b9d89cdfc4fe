"""Readers of what eBird hands out: an observer's own records, and the Basic Dataset; knows no values.

Sources: ebird.org/downloadMyData; "eBird Basic Dataset Metadata" (the PDF that comes with each release);
for shared checklists, auk_unique of the R package auk.
"""

from __future__ import annotations

from collections.abc import Iterator

from ingest.formats import delimited, shared
from ingest.formats.reshape import Cells, cells, mentioning, places, texts, with_columns
from ingest.formats.table import About, Table, Wanted, unique
from ingest.sources.source import Source, Unreadable, is_zip
from ingest.text import text
from ingest.text.text import Chunk, Dialect

_MINE = frozenset({"submissionid", "scientificname", "taxonomicorder", "count", "date"})
_FIRST = b"GLOBAL UNIQUE IDENTIFIER\t"
_CHECKLISTS = b"SAMPLING EVENT IDENTIFIER\t"
_MINE_ADDED = ("occurrenceID", "countryCode", "basisOfRecord")
_BASIS = "HumanObservation"
_LITERAL = "\x1f"
"""What stands for a quote in the Basic Dataset, where quotes are letters like others: it never occurs."""


def read_mine(source: Source, wanted: Wanted) -> Table | None:
    """MyEBirdData.csv, as it is or in the zip in which eBird sends it."""
    found = mentioning(source, "submission id", "taxonomic order")
    if found is None:
        return None
    table = delimited.read_table(found, wanted)
    at = places(table.columns)
    if not at.keys() >= _MINE:
        return None
    needs = (at["submissionid"], at["scientificname"], at.get("stateprovince"))
    return with_columns(table, _MINE_ADDED, needs, _change, feed="ebird")


def _change(row: Cells) -> Cells:
    checklist, name, state = (cell.strip() for cell in row)
    # Not by the taxonomic order: with each year's taxonomy all of its numbers change, but few names do.
    identity = f"{checklist} {name}" if checklist and name else ""
    return identity, state.partition("-")[0], _BASIS


def read_basic(source: Source, _: Wanted) -> Table | None:
    """The Basic Dataset, a text or the zip in which it comes. Raises Unreadable for checklists alone."""
    file = _basic(source)
    if file is None:
        return None
    # The encoding is set by the description of the dataset; to look for it would read gigabytes twice.
    how = Dialect("utf-8-sig", "\t", quote=_LITERAL)
    first = next(text.chunks(file, how), None)
    if first is None or len(first.rows) < 2:
        raise Unreadable(f"{source.name} has a header and no rows.")
    table = Table(unique(first.rows[0]), lambda: _below_header(file, how), file.size, how.delimiter)
    at = places(table.columns)
    needs = [at.get(name) for name in ("groupidentifier", "scientificname", "samplingeventidentifier")]
    choice = shared.Choice(lambda: cells(table, needs))

    def change(row: Cells) -> Cells | str:
        return (_BASIS,) if choice.counts(row) else shared.SHARED

    return with_columns(table, ("basisOfRecord",), needs, change, _told(table), feed="ebird")


def _basic(source: Source) -> Source | None:
    if source.path.is_dir():
        return None
    if is_zip(source):
        files = [member for member in texts(source) if _begins(member)]
        return files[0] if len(files) == 1 else None
    if _begins(source):
        return source
    header = source.head().partition(b"\n")[0]
    if header.lstrip(b"\xef\xbb\xbf").startswith(b"LAST EDITED DATE\t") and _CHECKLISTS in header:
        raise Unreadable(
            f"{source.name} holds eBird's checklists without their species, so no sightings:"
            " ingest the ebd_ file that it belongs to."
        )
    return None


def _begins(source: Source) -> bool:
    return source.head(64).lstrip(b"\xef\xbb\xbf").startswith(_FIRST)


def _below_header(file: Source, how: Dialect) -> Iterator[Chunk]:
    for number, chunk in enumerate(text.chunks(file, how)):
        yield chunk if number else Chunk(chunk.lines[1:], chunk.rows[1:], chunk.done)


_BASIC = {
    "globaluniqueidentifier": "occurrenceID",
    "commonname": "vernacularName",
    "scientificname": "scientificName",
    "observationcount": "individualCount",
    "countrycode": "countryCode",
    "state": "stateProvince",
    "county": "county",
    "locality": "locality",
    "localityid": "locationID",
    "latitude": "decimalLatitude",
    "longitude": "decimalLongitude",
    "observationdate": "eventDate",
    "timeobservationsstarted": "eventTime",
    "observerid": "recordedBy",
}


def _told(table: Table) -> dict[str, str]:
    at = places(table.columns)
    return {table.columns[at[name]]: term for name, term in _BASIC.items() if name in at}


ABOUT_MINE = About(
    text=(
        "Your own records, from ebird.org/downloadMyData: MyEBirdData.csv or the zip that holds it. A record"
        " is known by its checklist and its species, so that the export of next month corrects what has"
        " changed and adds what is new; what was deleted in eBird since stays. X counts as seen, not counted."
        " The country is the first part of State/Province. Whoever also ingests the Basic Dataset counts"
        " these checklists twice."
    ),
    columns={
        "Submission ID": "with the Scientific Name: occurrenceID",
        "Common Name": "vernacularName",
        "Scientific Name": "scientificName",
        "Count": "individualCount",
        "State/Province": "stateProvince, and countryCode",
        "County": "county",
        "Location ID": "locationID",
        "Location": "locality",
        "Latitude": "decimalLatitude",
        "Longitude": "decimalLongitude",
        "Date": "eventDate",
        "Time": "eventTime",
    },
    sample=(
        "Submission ID,Common Name,Scientific Name,Taxonomic Order,Count,State/Province,County,Location ID,"
        "Location,Latitude,Longitude,Date,Time,Protocol,Duration (Min),All Obs Reported,"
        "Distance Traveled (km),Area Covered (ha),Number of Observers,Breeding Code,Observation Details,"
        "Checklist Comments,ML Catalog Numbers\n"
        "S100000001,Great Tit,Parus major,30112,4,NO-03,Oslo,L100001,Frognerparken,59.927,10.7,2024-05-01,"
        "07:15 AM,eBird - Traveling Count,45,1,1.2,,1\n"
        "S100000001,Rook,Corvus frugilegus,20011,X,NO-03,Oslo,L100001,Frognerparken,59.927,10.7,2024-05-01,"
        "07:15 AM,eBird - Traveling Count,45,1,1.2,,1,,Heard only\n"
    ),
    source="ebird.org/downloadMyData",
)

ABOUT_BASIC = About(
    text=(
        "The eBird Basic Dataset (EBD), as .txt or as the zip in which it comes; the file of checklists"
        " (..._sampling.txt) holds no species and is not read. A record is known by its GLOBAL UNIQUE"
        " IDENTIFIER. A checklist that several observers share is there once for each: for each species the"
        " one with the lowest SAMPLING EVENT IDENTIFIER counts, the others are skipped as SHARED_CHECKLIST."
        " X counts as seen, not counted. Quotes are letters like others. APPROVED, REVIEWED and all other"
        " columns are kept with the record."
    ),
    columns={
        "GLOBAL UNIQUE IDENTIFIER": "occurrenceID",
        "COMMON NAME": "vernacularName",
        "SCIENTIFIC NAME": "scientificName",
        "OBSERVATION COUNT": "individualCount",
        "COUNTRY CODE": "countryCode",
        "STATE": "stateProvince",
        "COUNTY": "county",
        "LOCALITY": "locality",
        "LOCALITY ID": "locationID",
        "LATITUDE": "decimalLatitude",
        "LONGITUDE": "decimalLongitude",
        "OBSERVATION DATE": "eventDate",
        "TIME OBSERVATIONS STARTED": "eventTime",
        "OBSERVER ID": "recordedBy",
        "GROUP IDENTIFIER": "which checklists are one",
    },
    sample=(
        "GLOBAL UNIQUE IDENTIFIER\tLAST EDITED DATE\tTAXONOMIC ORDER\tCATEGORY\tCOMMON NAME\t"
        "SCIENTIFIC NAME\tOBSERVATION COUNT\tCOUNTRY\tCOUNTRY CODE\tSTATE\tCOUNTY\tLOCALITY\tLOCALITY ID\t"
        "LATITUDE\tLONGITUDE\tOBSERVATION DATE\tTIME OBSERVATIONS STARTED\tOBSERVER ID\t"
        "SAMPLING EVENT IDENTIFIER\tPROTOCOL NAME\tDURATION MINUTES\t"
        "ALL SPECIES REPORTED\tGROUP IDENTIFIER\tAPPROVED\tREVIEWED\t\n"
        "URN:CornellLabOfOrnithology:EBIRD:OBS1000001\t2024-05-02 08:00:00\t30112\tspecies\tGreat Tit\t"
        "Parus major\t4\tNorway\tNO\tOslo\t\tFrognerparken\tL100001\t59.927\t10.7\t2024-05-01\t07:15:00\t"
        "obsr100001\tS100000001\tTraveling\t45\t1\tG1000001\t1\t0\t\n"
        "URN:CornellLabOfOrnithology:EBIRD:OBS1000002\t2024-05-02 09:00:00\t30112\tspecies\tGreat Tit\t"
        "Parus major\t4\tNorway\tNO\tOslo\t\tFrognerparken\tL100001\t59.927\t10.7\t2024-05-01\t07:15:00\t"
        "obsr100002\tS100000002\tTraveling\t45\t1\tG1000001\t1\t0\t\n"
    ),
    source="ebird.org/data/download, eBird Basic Dataset Metadata",
)
