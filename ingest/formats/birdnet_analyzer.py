"""The reader of BirdNET-Analyzer's results: selection tables, CSV, Kaleidoscope; knows no values.

A detection is told as so many seconds into a recording; the day and the time stand in the recording's name.
Source: BirdNET-Analyzer, birdnet_analyzer/analyze/utils.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.formats import delimited, detections, recordings
from ingest.formats.reshape import Cells, cells, mentioning, places, with_columns
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import Source, Unreadable
from ingest.words import columns
from ingest.words.days import NotADate
from ingest.words.days import parse as parse_date

# In a selection table of many recordings Begin Time runs on through all of them; File Offset does not.
_STARTS = ("fileoffsets", "starts", "begintimes", "offset", "start", "starttime")
_ENDS = frozenset({"ends", "endtimes", "duration", "end", "endtime"})
_FILES = ("beginpath", "filepath", "file", "beginfile", "filename")
_FOLDERS = ("indir", "folder", "infile")
_COMMON = ("commonname", "top1match")
_CODE = ("speciescode",)
_CONFIDENCE = ("confidence", "top1dist")
_ADDED = (
    *("occurrenceID", "eventDate", "eventTime", "locationID"),
    *detections.POSITION,
    "basisOfRecord",
)


def read(source: Source, wanted: Wanted) -> Table | None:
    """The results for one recording or for many. Raises Unreadable where nothing tells their date."""
    found = mentioning(source, "name") or mentioning(source, "top1match")
    if found is None or not _alike(found):
        return None
    table = delimited.read_table(found, wanted)
    layout = _layout(table, found.name)
    if layout is None:
        return None
    if not wanted.given & {"eventDate", "year"} and not _dated(table, layout):
        raise Unreadable(
            f"{source.name} says nowhere when its recordings were made: name them, or this file, like"
            " SITE_20240501_053000, or give the date with --set eventDate=2024-05-01."
        )

    def change(row: Cells) -> Cells | str:
        return layout.why_not(row, wanted.min_confidence) or layout.added(row)

    return with_columns(table, _ADDED, layout.needs, change, layout.told)


def _alike(source: Source) -> bool:
    """A quick look at the first line, before the whole file is looked at."""
    words = columns.plain(source.head(4096).decode(errors="replace"))
    return any(name in words for name in _CONFIDENCE) and any(name in words for name in _STARTS)


@dataclass(frozen=True)
class _Layout:
    """Where the things are that a detection is made of."""

    needs: tuple[int | None, ...]
    """Start, confidence, latitude, longitude, three names (the last a code), then the parts of the path."""
    told: dict[str, str]
    heard_in: str
    """The name of the results, which begins with that of the recording, where no column names it."""

    def why_not(self, row: Cells, least: float) -> str:
        """Why a row is no sighting."""
        return detections.why_not(row[4:7], row[1], least)

    def added(self, row: Cells) -> Cells:
        """The cells for the added columns."""
        start, _, latitude, longitude, scientific, common, _, *path = (cell.strip() for cell in row)
        heard_in = "/".join(path) or self.heard_in
        recording = recordings.of_name(heard_in)
        day, time = _moment(start, recording)
        site = recording.site if recording else ""
        named = scientific or common
        # Only what carries its date is the same recording wherever its name comes again.
        identity = f"{heard_in} {start} {named}" if day and named and start else ""
        return identity, day, time, site, *detections.position(latitude, longitude), detections.MACHINE


def _layout(table: Table, name: str) -> _Layout | None:
    """The layout of a table of the Analyzer; None for any other, above all for one that has dates."""
    at = places(table.columns)
    start, confidence, common, code = (_first(at, names) for names in (_STARTS, _CONFIDENCE, _COMMON, _CODE))
    scientific = at.get("scientificname")
    named = scientific is not None or common is not None
    if not named or start is None or confidence is None or at.keys().isdisjoint(_ENDS):
        return None
    if not {"eventDate", "year"}.isdisjoint(columns.understand(table.columns).values()):
        return None
    files = [at[name] for name in _FOLDERS if name in at] if "infile" in at else []
    files = files or [at[name] for name in _FILES if name in at][:1]
    # A species code is eBird's, and no name; TOP1MATCH is one, and nothing but Kaleidoscope calls it so.
    told = {table.columns[code]: ""} if code is not None else {}
    told |= {table.columns[common]: "vernacularName"} if common is not None else {}
    needs = (start, confidence, at.get("lat"), at.get("lon"), scientific, common, code, *files)
    return _Layout(needs, told, _recording_of(name))


def _first(at: Mapping[str, int], names: Sequence[str]) -> int | None:
    return next((at[name] for name in names if name in at), None)


def _recording_of(name: str) -> str:
    """The recording to which results belong: SiteA_20240101_120000.BirdNET.results.csv."""
    stem = re.split(r"[\\/]", name)[-1]
    return re.sub(r"(?i)\.(?:birdnet\.(?:results|selection\.table).*|[a-z0-9]{2,4})\Z", "", stem)


def _moment(start: str, recording: recordings.Recording | None) -> tuple[str, str]:
    """When it was heard: the start may be seconds, or (as the graphical interface writes it) a moment."""
    try:
        seconds = float(start)
    except ValueError:
        day, _, time = start.replace("T", " ").partition(" ")
        if _is_day(day):
            return day, time
        seconds = None
    return recording.at(seconds) if recording else ("", "")


def _is_day(text: str) -> bool:
    try:
        return parse_date(text, "YMD").first_day > 0 and len(text) == len("2024-05-01")
    except NotADate:
        return False


def _dated(table: Table, layout: _Layout) -> bool:
    """Whether any row has a date; the first that does answers."""
    return any(layout.added(row)[1] for row in cells(table, layout.needs))


ABOUT = About(
    text=(
        "The results of BirdNET-Analyzer in each of its shapes: Raven selection table (which holds the common"
        " names alone), CSV, Kaleidoscope, of one recording or combined, also with additional columns; take"
        " one shape of the same detections. When a detection was heard is the time in the name of its"
        " recording (SITE_20240501_053000.wav) plus its start; the name is taken from the column for the file"
        " or, if there is none, from the name of the results themselves. What stands before the date is the"
        " site. Without any date --set eventDate=2024-05-01 gives one. A detection is known by its recording,"
        " start and species, so that another analysis corrects the first. Human voices are skipped as HUMAN,"
        " engines, noise and nocall as NO_ANIMAL (a Dog is an animal), what is below --min-confidence as"
        " LOW_CONFIDENCE. Coordinates of -1, -1 are none."
    ),
    columns={
        "Start (s), Begin Time (s), File Offset (s), OFFSET, start": "added to the time of the recording",
        "File, Begin Path, filepath, IN FILE": "eventDate, eventTime and locationID, by its name",
        "Scientific name, scientific_name": "scientificName",
        "Common name, common_name": "vernacularName",
        "Confidence, confidence": "compared with --min-confidence",
        "lat, lon": "decimalLatitude, decimalLongitude",
    },
    sample=(
        "Start (s),End (s),Scientific name,Common name,Confidence,File\n"
        "12.0,15.0,Turdus merula,Eurasian Blackbird,0.9134,recordings/Pond_20240501_053000.wav\n"
        "15.0,18.0,Parus major,Great Tit,0.7612,recordings/Pond_20240501_053000.wav\n"
        "21.0,24.0,Engine,Engine,0.6120,recordings/Pond_20240501_053000.wav\n"
    ),
    source="BirdNET-Analyzer, birdnet_analyzer/analyze/utils.py",
)
