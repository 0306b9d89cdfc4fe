"""Records as a Darwin Core Archive: a zip of occurrence.txt, meta.xml and eml.xml. Knows no database, no web.

Source: Darwin Core text guide, dwc.tdwg.org/text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from api.export.about import About
from api.export.described import eml_xml, meta_xml
from db.questions.exported import FIELDS

CORE = "occurrence.txt"
_BOTH = "\r\n"
_EARLIEST = "1980-01-01T00:00:00"  # what a zip can say
_LARGE = 4_000_000
"""Records from which on a file may be larger than an old zip can say."""


def write_archive(file: BinaryIO, chunks: Iterable[list[dict[str, Any]]], about: About) -> None:
    """The archive; the same records at the same version give the same bytes."""
    absences = 0
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        with archive.open(_member(CORE, about), "w", force_zip64=about.records > _LARGE) as core:
            core.write(_lines([FIELDS]))
            for chunk in chunks:
                absences += sum(row["occurrenceStatus"] == "ABSENT" for row in chunk)
                core.write(_lines(row.values() for row in chunk))
        archive.writestr(
            _member("meta.xml", about), meta_xml(CORE, [source.name for source in about.sources])
        )
        archive.writestr(_member("eml.xml", about), eml_xml(about, absences))


def _lines(rows: Iterable[Iterable[object]]) -> bytes:
    """Rows with tabs between their fields; a field that holds a tab, a quote or a line end is quoted."""
    lines = _Lines()
    # Of the line ends within a field only those are quoted that the writer is told of.
    csv.writer(lines, delimiter="\t", lineterminator=_BOTH).writerows(rows)
    return "".join(f"{line.removesuffix(_BOTH)}\n" for line in lines.written).encode()


class _Lines:
    """What a writer has written, line by line."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.write = self.written.append


def _member(name: str, about: About) -> ZipInfo:
    moment = max(about.ingested_at or "", _EARLIEST)
    day, _, time = moment[:19].partition("T")
    year, month, date = map(int, day.split("-"))
    hour, minute, second = map(int, time.split(":"))
    member = ZipInfo(name, (year, month, date, hour, minute, second))
    member.compress_type = ZIP_DEFLATED
    member.external_attr = 0o644 << 16
    return member
