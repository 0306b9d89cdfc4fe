"""The catalogue of formats: each is one reader and one line here; knows no database."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ingest.formats import (
    agouti,
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
from ingest.formats.table import About, Table, Wanted
from ingest.source import Source, Unreadable

_UNTOLD = About("")


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
    ),
    Format("agouti", "Agouti export from before Camtrap DP (CSV)", agouti.read, agouti.ABOUT),
    Format(
        "ebird", "your own eBird records (MyEBirdData.csv, or its zip)", ebird.read_mine, ebird.ABOUT_MINE
    ),
    Format(
        "ebird-basic", "eBird Basic Dataset (tab separated, or its zip)", ebird.read_basic, ebird.ABOUT_BASIC
    ),
    Format("birdnet-pi", "BirdNET-Pi's birds.db or BirdDB.txt", birdnet.read_pi, birdnet.ABOUT_PI),
    Format("birdnet-go", "BirdNET-Go's CSV export or database", birdnet.read_go, birdnet.ABOUT_GO),
    Format(
        "birdnet-analyzer",
        "BirdNET-Analyzer's results (selection table, CSV, Kaleidoscope)",
        birdnet_analyzer.read,
        birdnet_analyzer.ABOUT,
    ),
    Format("movebank", "Movebank events (CSV)", movebank.read, movebank.ABOUT),
    Format("gbif", "GBIF simple download (tab separated, or its zip)", delimited.read_gbif, explained.GBIF),
    Format(
        "inaturalist",
        "iNaturalist export (CSV, or its zip)",
        delimited.read_inaturalist,
        explained.INATURALIST,
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
    ),
)
"""In the order in which a source is tried."""


def is_bundle(names: Collection[str]) -> bool:
    """Whether the files of a folder, by their names, are one input rather than one each."""
    return any(known.bundle(names) for known in FORMATS if known.bundle)


def open_table(source: Source, name: str = "auto", wanted: Wanted = Wanted()) -> tuple[Format, Table]:  # noqa: B008 - frozen
    """The format and the table of a source, by its content or as told. Raises Unreadable where none fits."""
    for known in FORMATS:
        if name in ("auto", known.name):
            table = known.read(source, wanted)
            if table is not None:
                return known, table
    if name == "auto":
        raise Unreadable(f"{source.name} is in no format that is known here.")
    raise Unreadable(f"{source.name} is not what the format {name!r} expects: {_what(name)}.")


def _what(name: str) -> str:
    return next((known.what for known in FORMATS if known.name == name), "there is no such format")
