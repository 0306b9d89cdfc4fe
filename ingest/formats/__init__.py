"""The catalogue of formats: each is one reader and one line here; knows no database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ingest.formats import (
    agouti,
    archive,
    birdnet,
    birdnet_analyzer,
    camtrap_dp,
    darwin_core,
    delimited,
    ebird,
    explained,
    json_documents,
    movebank,
    parquet,
    wildlife_insights,
    workbooks,
)
from ingest.formats.delimited import NotText
from ingest.formats.table import About, Table, Wanted
from ingest.sources.source import DAMAGE, Source, Unreadable, is_archive, is_zip, laid_down, members, unpacked

_UNTOLD = About("")
_JUMPING = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1", b"PARE", b"SQLite format 3\x00")
"""How files begin in which a reader jumps to and fro: workbooks, Parquet, databases."""


@dataclass(frozen=True)
class Format:
    """One way in which people keep sightings."""

    name: str
    what: str
    """One line for people."""
    read: Callable[[Source, Wanted], Table | None]
    """Opens a source of this format; None where it is none. Raises Unreadable for a broken one."""
    about: About = _UNTOLD
    bundle: Callable[[Collection[str]], bool] | None = None
    """Whether files of these names in one folder are one input of this format (a Camtrap DP)."""
    grows: bool = False
    """Whether somebody may append lines to such a file, each of which can be understood alone."""


FORMATS = (
    Format("excel", "an Excel workbook (.xlsx, .xlsm, .xls)", workbooks.read, workbooks.ABOUT),
    Format("parquet", "a Parquet file (OBIS, GBIF, pandas, DuckDB)", parquet.read, parquet.ABOUT),
    Format(
        "dwca",
        "Darwin Core Archive, of occurrences or of events with theirs (zip or folder with meta.xml)",
        darwin_core.read,
        darwin_core.ABOUT,
        darwin_core.is_archive,
    ),
    Format(
        "camtrap-dp",
        "Camtrap DP of a camera trap (folder, zip, its datapackage.json or observations.csv)",
        camtrap_dp.read,
        camtrap_dp.ABOUT,
        camtrap_dp.is_package,
    ),
    Format(
        "wildlife-insights",
        "Wildlife Insights export (folder, zip, or its images.csv beside deployments.csv)",
        wildlife_insights.read,
        wildlife_insights.ABOUT,
        wildlife_insights.is_export,
    ),
    Format(
        "json",
        "JSON, NDJSON or GeoJSON (a list of objects, also inside an object; an API's answer)",
        json_documents.read,
        json_documents.ABOUT,
        grows=True,
    ),
    Format("agouti", "Agouti export from before Camtrap DP (CSV)", agouti.read, agouti.ABOUT),
    Format(
        "ebird", "your own eBird records (MyEBirdData.csv, or its zip)", ebird.read_mine, ebird.ABOUT_MINE
    ),
    Format(
        "ebird-basic", "eBird Basic Dataset (tab separated, or its zip)", ebird.read_basic, ebird.ABOUT_BASIC
    ),
    Format(
        "birdnet-pi", "BirdNET-Pi's birds.db or BirdDB.txt", birdnet.read_pi, birdnet.ABOUT_PI, grows=True
    ),
    Format(
        "birdnet-go", "BirdNET-Go's CSV export or database", birdnet.read_go, birdnet.ABOUT_GO, grows=True
    ),
    Format(
        "birdnet-analyzer",
        "BirdNET-Analyzer's results (selection table, CSV, Kaleidoscope)",
        birdnet_analyzer.read,
        birdnet_analyzer.ABOUT,
    ),
    Format("movebank", "Movebank events (CSV)", movebank.read, movebank.ABOUT),
    Format(
        "gbif",
        "GBIF simple download (tab separated, or its zip)",
        delimited.read_gbif,
        explained.GBIF,
        grows=True,
    ),
    Format(
        "inaturalist",
        "iNaturalist export (CSV, or its zip)",
        delimited.read_inaturalist,
        explained.INATURALIST,
        grows=True,
    ),
    Format(
        "wide",
        "a table with a date or year and one column of counts per animal",
        delimited.read_wide,
        explained.WIDE,
    ),
    Format(
        "table",
        "any delimited table with one sighting per row",
        delimited.read_table,
        explained.TABLE,
        grows=True,
    ),
)
"""In the order in which a source is tried."""


def is_bundle(names: Collection[str]) -> bool:
    """Whether the files of a folder, by their names, are one input rather than one each."""
    return any(known.bundle(names) for known in FORMATS if known.bundle)


def open_table(source: Source, name: str = "auto", wanted: Wanted = Wanted()) -> tuple[Format, Table]:  # noqa: B008 - frozen
    """The format and the table of a source, by its content or as told. Raises Unreadable where none fits.

    The source may be packed, and a zip may be taken as a whole or for the one table in it. What a reader
    needs on the disk lies there as long as ``keeping_copies`` is around all that is done with the table.
    """
    content = unpacked(source)
    found = None
    if is_archive(content):
        found = _whole(content, name, wanted)
        content = content if found else unpacked(_only_table(content))
    if is_zip(content):
        _refuse_harm(content)
    if not content.on_disk and content.head(16).startswith(_JUMPING):
        content = laid_down(content)
    found = found or _first(content, name, wanted)
    if found:
        return found
    if name == "auto":
        raise Unreadable(f"{source.name} is in no format that is known here.")
    raise Unreadable(f"{source.name} is not what the format {name!r} expects: {_what(name)}.")


def inputs(source: Source, name: str = "auto") -> list[Source]:
    """The tables of a zip that holds several, each an input of its own; else the source itself."""
    try:
        if source.fetch is not None or not is_archive(source):
            return [source]
        tables = archive.tables(members(source))
        if len(tables) < 2 or archive.are_zips(tables) or _whole(source, name, Wanted()):
            return [source]
    except (Unreadable, *DAMAGE):
        return [source]  # whoever reads it says what is wrong with it
    return tables


def _first(content: Source, name: str, wanted: Wanted) -> tuple[Format, Table] | None:
    for known in FORMATS:
        if name in ("auto", known.name):
            table = known.read(content, wanted)
            if table is not None:
                return known, table
    return None


def _whole(zipped: Source, name: str, wanted: Wanted) -> tuple[Format, Table] | None:
    """The format that takes all files of a zip together. Raises Unreadable where they are broken."""
    _refuse_harm(zipped)
    try:
        return _first(zipped, name, wanted)
    except NotText:
        return None  # the readers of any text come last


def _only_table(zipped: Source) -> Source:
    tables = archive.tables(members(zipped))
    if archive.are_zips(tables):
        raise Unreadable(f"{zipped.name} holds zips, which are not opened within another: unpack it first.")
    if len(tables) != 1:
        raise Unreadable(f"{zipped.name} holds {len(tables)} tables; one was expected.")
    return tables[0]


def _refuse_harm(zipped: Source) -> None:
    """Look at a workbook, which its reader will unpack by itself, or at a zip in a zip. Raises Unreadable."""
    if is_archive(zipped) and not zipped.on_disk:
        raise Unreadable(f"{zipped.name} is a zip in a packed file, which is not opened: unpack it first.")
    members(zipped)


def _what(name: str) -> str:
    names = ", ".join(known.name for known in FORMATS)
    return next((known.what for known in FORMATS if known.name == name), f"the formats are {names}")
