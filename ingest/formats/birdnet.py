"""Readers of the two stations that listen with BirdNET: BirdNET-Pi and BirdNET-Go; knows no values.

Sources: BirdNET-Pi, scripts/createdb.sh and scripts/utils/reporting.py; BirdNET-Go, internal/datastore.
"""

from __future__ import annotations

from ingest.formats import delimited, detections, sqlite
from ingest.formats.reshape import Cells, mentioning, places, with_columns
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source, Unreadable

_PI = frozenset({"date", "time", "sciname", "comname", "confidence"})
_GO = frozenset({"id", "date", "time", "scientificname", "commonname", "confidence"})
_GO_ALONE = frozenset({"begintime", "speciescode", "sourcenode", "clipname"})
_GO_NEEDS = (
    *("id", "date", "time", "verified"),
    *("scientificname", "commonname", "confidence", "latitude", "longitude"),
)
_ADDED = (*detections.POSITION, "basisOfRecord")
# A clip is named after species, confidence and second, so that now and then two detections share one.
_DETECTIONS = """SELECT d.*,
        CASE WHEN File_Name = '' THEN '' WHEN nth = 1 THEN File_Name ELSE File_Name || ' (' || nth || ')' END
        AS occurrenceID
    FROM detections AS d
    JOIN (SELECT rowid AS written, row_number() OVER (PARTITION BY File_Name ORDER BY rowid) AS nth
        FROM detections) ON written = d.rowid
    ORDER BY written"""
_NOTES = "SELECT * FROM notes ORDER BY id"
_REVIEWED = """SELECT notes.*, review.verified FROM notes
    LEFT JOIN note_reviews AS review ON review.note_id = notes.id ORDER BY notes.id"""


def read_pi(source: Source, wanted: Wanted) -> Table | None:
    """birds.db, also while the station writes it, or BirdDB.txt."""
    if sqlite.is_sqlite(source):
        table = _pi_database(source)
    else:
        found = mentioning(source, "sci_name", "com_name", "confidence")
        table = delimited.read_table(found, wanted) if found else None
    if table is None or not places(table.columns).keys() >= _PI:
        return None
    at = places(table.columns)
    needs = [at.get(name) for name in ("sciname", "comname", "confidence", "lat", "lon")]
    return with_columns(table, _ADDED, needs, lambda row: _change(row, wanted.min_confidence))


def _pi_database(source: Source) -> Table | None:
    columns = places(sqlite.tables(source).get("detections", ()))
    if not columns.keys() >= {*_PI, "filename"}:
        return None
    return sqlite.table(source, _DETECTIONS, "SELECT count(*) FROM detections")


def read_go(source: Source, wanted: Wanted) -> Table | None:
    """Its CSV export or its database. Raises Unreadable for an SQLite file of which nothing is known."""
    if sqlite.is_sqlite(source):
        table = _go_database(source)
    else:
        found = mentioning(source, "date", "time", "confidence", "name")
        if found is None:
            return None
        table = delimited.read_table(found, wanted)
    at = places(table.columns)
    if not at.keys() >= _GO or at.keys().isdisjoint(_GO_ALONE):
        return None
    # The code is eBird's, and no name of the species.
    told = {table.columns[at["speciescode"]]: ""} if "speciescode" in at else {}
    needs = [at.get(name) for name in _GO_NEEDS]

    def change(row: Cells) -> Cells | str:
        identity, verified, detection = row[:3], row[3], row[4:]
        if verified.strip().lower() == "false_positive":
            return "FALSE_POSITIVE"
        added = _change(detection, wanted.min_confidence)
        # Each station counts from 1: the second makes the number its own.
        return added if isinstance(added, str) else (" ".join(identity), *added)

    return with_columns(table, ("occurrenceID", *_ADDED), needs, change, told)


def _go_database(source: Source) -> Table:
    known = sqlite.tables(source)
    if not places(known.get("notes", ())).keys() >= _GO:
        raise Unreadable(
            f"{source.name} is an SQLite file of no program that is known here;"
            f" its tables are {', '.join(sorted(known)) or 'none'}."
        )
    reviewed = {"note_id", "verified"} <= set(known.get("note_reviews", ()))
    return sqlite.table(source, _REVIEWED if reviewed else _NOTES, "SELECT count(*) FROM notes")


def _change(row: Cells, least: float) -> Cells | str:
    *names, confidence, latitude, longitude = row
    why = detections.why_not(tuple(names), confidence, least)
    return why or (*detections.position(latitude.strip(), longitude.strip()), detections.MACHINE)


_SKIPPED = (
    " Human voices are skipped as HUMAN, engines, noise and the like as NO_ANIMAL (a Dog is an animal), what"
    " is below --min-confidence as LOW_CONFIDENCE. Coordinates of -1, -1 are none. The scientific name"
    " counts: the common one changes with the language that is set."
)

ABOUT_PI = About(
    text=(
        "A BirdNET-Pi station: its database birds.db, which is only read, also while the station writes it,"
        " or its BirdDB.txt. A detection is known by the name of its clip (File_Name), so that the database"
        " may be read again and again. BirdDB.txt names no clips, and holds the same detections: take one of"
        " the two. Give each of several stations a --feed." + _SKIPPED
    ),
    columns={
        "Date": "eventDate",
        "Time": "eventTime",
        "Sci_Name": "scientificName",
        "Com_Name": "vernacularName",
        "Confidence": "compared with --min-confidence",
        "Lat": "decimalLatitude",
        "Lon": "decimalLongitude",
        "File_Name": "occurrenceID",
    },
    sample=(
        "Date;Time;Sci_Name;Com_Name;Confidence;Lat;Lon;Cutoff;Week;Sens;Overlap\n"
        "2024-05-01;05:12:33;Turdus merula;Eurasian Blackbird;0.9134;59.927;10.7;0.7;17;1.25;0.0\n"
        "2024-05-01;05:14:02;Parus major;Great Tit;0.7612;59.927;10.7;0.7;17;1.25;0.0\n"
        "2024-05-01;05:20:40;Human vocal;Human vocal;0.8;59.927;10.7;0.7;17;1.25;0.0\n"
    ),
    source="BirdNET-Pi, scripts/createdb.sh and scripts/utils/reporting.py",
)

ABOUT_GO = About(
    text=(
        "A BirdNET-Go station: its CSV export or its SQLite database (the table notes), which is only read. A"
        " detection is known by its id and its second. What was reviewed as a false positive is skipped as"
        " FALSE_POSITIVE." + _SKIPPED
    ),
    columns={
        "id": "with date and time: occurrenceID",
        "date": "eventDate",
        "time": "eventTime",
        "scientificName": "scientificName",
        "commonName": "vernacularName",
        "confidence": "compared with --min-confidence",
        "latitude": "decimalLatitude",
        "longitude": "decimalLongitude",
        "verified": "false_positive: skipped",
    },
    sample=(
        "id,date,time,source,beginTime,endTime,speciesCode,scientificName,commonName,confidence\n"
        "1,2024-05-01,05:12:33,garden,2024-05-01T05:12:31Z,2024-05-01T05:12:34Z,eurbla,Turdus merula,"
        "Eurasian Blackbird,0.91\n"
        "2,2024-05-01,05:14:02,garden,2024-05-01T05:14:00Z,2024-05-01T05:14:03Z,gretit1,Parus major,"
        "Great Tit,0.76\n"
    ),
    source="BirdNET-Go, internal/datastore/model.go",
)
