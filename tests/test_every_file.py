"""Every real file goes in, or is refused for a reason that a person would agree with: one table of them all.

What is expected is counted by a few lines of csv, json or zipfile beside each file; ``pytest -s`` prints the
table.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from db.engine import open_writer
from db.schema import upgrade
from ingest.outcome import Outcome
from tests.conftest import SHARED_DATA
from tests.files import read_one

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class Facts:
    """What a person would count in a file."""

    read: int
    skipped: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)
    repeated: int = 0
    """Rows whose identifier comes again."""


def rows(path: Path, delimiter: str = ",", encoding: str = "utf-8", skip: int = 0) -> Rows:
    """The rows of a text, or of the one file in a zip, by nothing but csv."""
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            content = archive.read("occurrence.txt" if "occurrence.txt" in names else names[0])
    elif path.suffix == ".gz":
        content = gzip.decompress(path.read_bytes())
    else:
        content = path.read_bytes()
    lines = io.StringIO(content.decode(encoding), newline="")
    for _ in range(skip):
        lines.readline()
    return list(csv.DictReader(lines, delimiter=delimiter))


def counted(delimiter: str = ",", encoding: str = "utf-8", skip: int = 0) -> Callable[[Path], Facts]:
    """Every row goes in."""
    return lambda path: Facts(len(rows(path, delimiter, encoding, skip)))


def without(names: tuple[str, ...], delimiter: str = ",") -> Callable[[Path], Facts]:
    """Rows that fill none of these columns name no species."""

    def facts(path: Path) -> Facts:
        found = rows(path, delimiter)
        nameless = sum(not any(row[name] for name in names) for row in found)
        return Facts(len(found), rejected={"NAME_MISSING": nameless})

    return facts


def surveys(path: Path) -> Facts:
    found, rejected = rows(path), Counter[str]()
    for row in found:
        if not row["species_id"]:
            rejected["NAME_MISSING"] += 1
            continue
        with suppress(ValueError):
            date(int(row["year"]), int(row["month"]), int(row["day"]))
            continue
        rejected["RECORDED_DATE_INVALID"] += 1
    return Facts(len(found), rejected=dict(rejected))


def camera_traps(path: Path) -> Facts:
    """Frames without an animal; pictures of an event that somebody has classified as a whole."""
    found = rows(path.with_name("observations.csv"))
    events = {row["eventID"] for row in found if row["observationLevel"] == "event"}
    skipped = Counter[str]()
    for row in found:
        kind, of_event = row["observationType"], row["observationLevel"] == "event"
        if row["scientificName"] == "Homo sapiens":
            skipped["HUMAN"] += 1
        elif kind != "animal":
            skipped[kind.upper()] += 1
        elif not of_event and row["eventID"] in events:
            skipped["MEDIA_LEVEL"] += 1
    return Facts(len(found), dict(skipped))


def agouti(path: Path) -> Facts:
    found = rows(path)
    return Facts(len(found), {"HUMAN": sum(row["animalVernacularName"] == "Human" for row in found)})


def movebank(path: Path) -> Facts:
    found = rows(path)
    return Facts(len(found), {"OUTLIER": sum(row["visible"] == "false" for row in found)})


def ebird_in_gbif(path: Path) -> Facts:
    found = rows(path, "\t")
    key = next(name for name in found[0] if "UNIQUE" in name.upper() or name.upper() == "OCCURRENCEID")
    return Facts(len(found), repeated=len(found) - len({row[key] for row in found}))


def answers(path: Path) -> Facts:
    """The records of an API's answer, which may stand as text in a recording of it."""
    document = json.loads(path.read_text(encoding="utf-8"))
    if "http_interactions" in document:
        document = json.loads(document["http_interactions"][0]["response"]["body"]["string"])
    return Facts(len(document.get("results") or document["occurrences"]))


def parquet(path: Path) -> Facts:
    return Facts(pq.read_metadata(path).num_rows)


def stomachs(path: Path) -> Facts:
    with zipfile.ZipFile(path) as archive, archive.open("occurrence.txt") as file:
        return Facts(sum(1 for _ in file) - 1)


def cells(path: Path) -> Facts:
    return Facts(sum(len(row) - 1 for row in rows(path, skip=2)))


IN: dict[str, tuple[str, Callable[[Path], Facts]]] = {
    "A01-inbo-butterflies/20200121_dataVlinders.txt": ("table", counted(";")),
    "A02-inbo-raccoon-gbif/20260126_occurrences_raccoon_be.txt": ("gbif", counted("\t")),
    "A03-inbo-decimalcomma/20211209_vlinders_20002013_xy_prov.txt": ("table", counted(";")),
    "A03-inbo-decimalcomma/20220224_butterflies_counts.txt": ("table", counted(";")),
    "A04-gbif-full-crayfish/20250224_craywatch_raw.txt": ("gbif", counted("\t")),
    "A04-gbif-simple-tsv/20190423_species.csv": ("gbif", counted("\t")),
    "A04-gbif-simple-tsv/20220630_harmonia_axyridis_2012.txt": ("gbif", counted("\t")),
    "A04-gbif-simple-zip/0009886-250127130748423.zip": ("gbif", counted("\t")),
    "A04-gbif-simple-zip/0011066-200127171203522.zip": ("gbif", counted("\t")),
    "A05-gbif-dwca/0000066-140928181241064.zip": (
        "dwca",
        without(("scientificName", "species", "genus", "vernacularName"), "\t"),
    ),
    "A05-gbif-dwca/0000154-150116162929234.zip": ("dwca", counted("\t")),
    "A06-dwca-event-ices/dwca-ices_stomach_content_data-v1.0.zip": ("dwca", stomachs),
    "A07-inat-austria/16-10-2021-linz.csv": ("inaturalist", counted()),
    "A07-inat-austria/16-10-2021-wien.csv": (
        "inaturalist",
        without(("scientific_name", "common_name")),
    ),
    "A07-inat-la-multiline/observations-568611.csv": ("inaturalist", counted()),
    "A08-ebird-mydata/MyEBirdData.csv": ("ebird", counted()),
    "A10-camtrap-dp/datapackage.json": ("camtrap-dp", camera_traps),
    "A10-camtrap-dp/observations.csv": ("camtrap-dp", camera_traps),
    "A10-wildlife-insights/images.csv": ("wildlife-insights", counted()),
    "A11-birdnet/SiteA_20240101_120000.BirdNET.results.csv": ("birdnet-analyzer", counted()),
    "A11-birdnet/SiteA_20240101_120000.BirdNET.selection.table.txt": ("birdnet-analyzer", counted("\t")),
    "A11-birdnet/example_birdnet_gui_datetime.csv": ("birdnet-analyzer", counted()),
    "A11-birdnet/example_jprf_2023.converted.csv": ("birdnet-analyzer", counted()),
    "A11-birdnet/test_example_1.csv": ("birdnet-analyzer", counted()),
    "A12-wide-lynx-hare/hudson-bay-lynx-hare.csv": ("wide", cells),
    "A13-latin1-ragged/Borza.txt": ("table", counted("\t", "cp1252")),
    "A13-latin1-ragged/ebird.tab.txt": ("table", ebird_in_gbif),
    "A14-movebank-gull/20251216_MH_ANTWERPEN-gps-2018.csv.gz": ("movebank", movebank),
    "A15-json/observation.json": ("json", answers),
    "A15-json/occ_ala.json": ("json", answers),
    "A15-json/occ_gbif.json": ("json", answers),
    "A15-json/occ_obis.json": ("json", answers),
    "A17-long-tables/20180123_observations_NPHK_cameratrapping.csv": ("agouti", agouti),
    "A17-long-tables/20180222_surveys.csv": ("table", surveys),
    "A17-long-tables/20210429_aquatictrap_data.csv": ("table", without(("species",))),
    "A17-long-tables/20231128_geese_counts_cleaned.txt": ("table", counted()),
    "A17-long-tables/birdstrikes.csv": ("table", counted()),
    "C-scale-obis/0ada9b0c-14f5-4247-881e-9f6f62b2c165.parquet": ("parquet", parquet),
}
OUT = {
    "A10-camtrap-dp/deployments.csv": "name its observations.csv or the folder instead",
    "A10-camtrap-dp/media.csv": "name its observations.csv or the folder instead",
    "A10-wildlife-insights/cameras.csv": "name its images.csv or the folder instead",
    "A10-wildlife-insights/deployments.csv": "name its images.csv or the folder instead",
    "A10-wildlife-insights/projects.csv": "name its images.csv or the folder instead",
    "A13-latin1-ragged/csv_optional_quotes_puma.csv": "has no column for a date",
    "A16-xlsx/20180123_brandganzen.xlsx": "say which with --sheet",
    "A16-xlsx/20210225_manta_2014_2015.xlsx": "say which with --sheet",
    "A16-xlsx/20251216_butterfly_transect_counts_raw.xls": "it looks like a form",
}
"""Refused, and why: no date, no one sheet, a paper form, a table without any sighting."""
FILES = sorted(
    str(path.relative_to(SHARED_DATA))
    for path in SHARED_DATA.rglob("*")
    if path.is_file() and path.name != "README.md"
)


def test_no_file_was_forgotten() -> None:
    if not FILES:
        pytest.skip("the real records do not lie beside this checkout")
    assert sorted([*IN, *OUT]) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_real_file_goes_in_or_is_refused_for_a_good_reason(name: str, home: Path) -> None:
    path = SHARED_DATA / name
    writer = open_writer(f"sqlite:///{home / 'sightings.db'}")
    upgrade(writer)
    outcome = read_one(writer, path)
    writer.dispose()
    show(name, outcome)
    if name in OUT:
        assert outcome.status == "failed"
        assert OUT[name] in outcome.message
        assert outcome.message.count(". ") == 0  # one sentence
        return
    form, facts_of = IN[name]
    facts = facts_of(path)
    assert (outcome.status, outcome.format) == ("committed", form), outcome.message
    tally = outcome.tally
    assert (tally.read, tally.skips, outcome.reasons) == (facts.read, facts.skipped, facts.rejected)
    left = facts.read - sum(facts.skipped.values()) - sum(facts.rejected.values())
    assert tally.inserted + tally.updated + tally.duplicate == left
    assert tally.issues.get("IDENTIFIER_REPEATED", 0) == facts.repeated
    assert tally.inserted >= left - facts.repeated


def show(name: str, outcome: Outcome) -> None:
    """A line of the table."""
    tally, reasons = outcome.tally, [*outcome.reasons.items(), *outcome.tally.skips.items()]
    counts = "".join(
        f"{number:>8,}" for number in (tally.read, tally.inserted, tally.skipped, tally.rejected)
    )
    told = ", ".join(f"{reason} {number:,}" for reason, number in reasons)
    why = outcome.message.replace(str(SHARED_DATA / name), "it")[:90] if outcome.status == "failed" else told
    print(f"\n{name[-44:]:44} {outcome.format:17}{counts}  {why}", end="")  # noqa: T201 - the table is the point
