"""The pictures of the documentation, drawn from the made-up records: python -m tests.pictured docs/pictures.

The clock stands still while they are drawn, so that they are the same whenever; a test compares them.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import time_machine

from api.plot import plot
from db.engine import open_writer
from db.schema import upgrade
from ingest import demo
from ingest.outcome import Options
from ingest.run import ingest
from ingest.sources.source import of_file

NOON = "2026-06-15T12:00:00Z"
ZONE = "Europe/Ljubljana"
_READING = ("feed", demo.READING_FEED)
_YEAR = ("feed", demo.YEAR_FEED)
_MIGRANTS = ("Apus apus", "Ciconia ciconia", "Cuculus canorus", "Grus grus", "Hirundo rustica")
PICTURES: dict[str, tuple[tuple[str, str], ...]] = {
    "timeline": (_READING,),
    "species": (_YEAR,),
    "phenology": (_YEAR, ("species", "Hirundo rustica")),
    "seasonality": (_YEAR, ("species", "Grus grus")),
    "diel": (_YEAR,),
    "map": (_YEAR,),
    "accumulation": (_READING, _YEAR, ("interval", "month")),
    "arrivals": (_YEAR, ("year", "2025"), *(("species", name) for name in _MIGRANTS)),
    "calendar": (_YEAR, ("measure", "records"), ("limit", "3")),
    "ratio": (_READING, ("numerator", "Wolf"), ("denominator", "Deer")),
    "summary": (_YEAR,),
    "recent": (_YEAR, ("limit", "10")),
}
"""Report -> what is asked of it for its picture."""
THEMES = ("light", "dark")


def pictures() -> Iterator[tuple[str, bytes]]:
    """The name of each file and its bytes."""
    with (
        tempfile.TemporaryDirectory(prefix="sightings-pictures-") as name,
        time_machine.travel(NOON, tick=False),
    ):
        url = database(Path(name))
        for report, asked in PICTURES.items():
            for theme in THEMES:
                drawn = plot(url, report, "svg", [*asked, ("theme", theme)], "Sightings", ZONE)
                yield f"{report}-{theme}.svg", drawn


def database(folder: Path) -> str:
    """The URL of one with all records of the documentation, in this folder."""
    url = f"sqlite:///{folder / 'sightings.db'}"
    reading = folder / "reading.csv"
    demo.write_reading(reading)
    files = [(demo.READING_FEED, reading)]
    for last in (date(2023, 6, 30), date(2024, 6, 30), date(2025, 6, 30), date(2026, 6, 14)):
        files.append((demo.YEAR_FEED, folder / f"{last.year}.csv"))
        demo.write_year(files[-1][1], last)
    writer = open_writer(url)
    try:
        upgrade(writer)
        for feed, file in files:
            list(ingest(writer, [of_file(file)], Options(feed=feed, made_up=True)))
    finally:
        writer.dispose()
    return url


if __name__ == "__main__":
    os.environ["TZ"] = "UTC"
    time.tzset()
    into = Path(sys.argv[1])
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*.svg"):
        old.unlink()
    for file_name, drawn in pictures():
        (into / file_name).write_bytes(drawn)
