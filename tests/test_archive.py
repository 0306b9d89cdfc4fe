"""Darwin Core Archives that are exported: other readers take them, and ours gives the same database back."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dwca.read import DwCAReader
from sqlalchemy import Engine, select

from api.answering.order import Order
from api.answering.render import make
from api.asking.query import read as understood
from api.export.saving import save
from api.reports import REPORTS
from db.check import damage
from db.engine import LOOK, open_reader
from db.models import Feed, Place, Sighting, Taxon, TaxonName
from ingest.formats import FORMATS
from ingest.outcome import Outcome
from tests.files import here, read, read_one, sums, table
from tests.seed import Record, ingest, open_app, open_database

Find = Callable[[str], Path]
TERMS = "http://rs.tdwg.org/dwc/terms/"
REAL = [
    "A03-inbo-decimalcomma/20220224_butterflies_counts.txt",
    "A04-gbif-simple-zip/0009886-250127130748423.zip",
    "A05-gbif-dwca/0000154-150116162929234.zip",
    "A05-gbif-dwca/0000066-140928181241064.zip",
    "A07-inat-la-multiline/observations-568611.csv",
    "A10-camtrap-dp/datapackage.json",
    "A10-wildlife-insights/images.csv",
    "A12-wide-lynx-hare/hudson-bay-lynx-hare.csv",
    "A15-json/occ_ala.json",
    "A17-long-tables/20231128_geese_counts_cleaned.txt",
]
OWN = {"key", "feed_id", "taxon_id", "place_id", "line", "verbatim", "fingerprint"}
"""What a database gives to a record by itself, and how its row looked."""
HISTORY = {"added_run", "retired_run", "origin_run", "origin_key"}

ODD = [
    # what is odd, and the terms that say it
    {"eventDate": ""},
    {"eventDate": "1987"},
    {"eventDate": "1987-02"},
    {"eventDate": "2007-03-01/2007-05-11"},
    {"eventDate": "2007-03-01T13:00:00+02:00/2007-05-11"},
    {"eventDate": "2024-05-03T04:15:30-03:30"},
    {"eventDate": "2024-05-03T04:15:30Z"},
    {"eventDate": "2024-05-03", "eventTime": "00:00"},
    {"eventDate": "2024-05-03", "eventTime": "23:59:59+05:45"},
    {"eventDate": "2999-01-01"},
    {"eventDate": "2020-12-30/2021-01-02"},
    {"individualCount": ""},
    {"individualCount": "X"},
    {"individualCount": "3+"},
    {"individualCount": "2.5"},
    {"individualCount": "0.0000001"},
    {"individualCount": "0"},
    {"individualCount": "1000000000000"},
    {"individualCount": "", "occurrenceStatus": "absent"},
    {"individualCount": "3", "occurrenceStatus": "absent"},
    {"individualCount": "0", "occurrenceStatus": "present"},
    {"individualCount": "2", "occurrenceStatus": "perhaps"},
    {"decimalLatitude": "", "decimalLongitude": ""},
    {"decimalLatitude": "0", "decimalLongitude": "0"},
    {"decimalLatitude": "0.00001", "decimalLongitude": "-0.5"},
    {"decimalLatitude": "95", "decimalLongitude": "195"},
    {"decimalLatitude": "120", "decimalLongitude": "45"},
    {"decimalLatitude": "north", "decimalLongitude": "13"},
    {"decimalLatitude": "-47.123456789012", "decimalLongitude": "-13.1", "countryCode": "AT"},
    {"coordinateUncertaintyInMeters": "0"},
    {"coordinateUncertaintyInMeters": "12.5"},
    {"countryCode": "Belgium"},
    {"countryCode": "NA", "stateProvince": "Kunene", "county": "Opuwo", "locationID": "site 7"},
    {"basisOfRecord": "seen"},
    {"basisOfRecord": ""},
    {"recordedBy": "A. Nobody | B. Nobody", "sex": "female", "lifeStage": "juvenile"},
    {"locality": '"Quoted" place'},
    {"locality": 'ends with a "'},
    {"locality": "=1+1"},
    {"locality": "'apostrophe"},
    {"locality": "-"},
    {"locality": "غابة 熊 🐻"},
    {"issue": "TAXON_MATCH_FUZZY;COUNTRY_COORDINATE_MISMATCH"},
    {"scientificName": "", "vernacularName": "Wolf"},
    {"scientificName": "", "vernacularName": "Vos"},
    {"scientificName": "Procyon lotor (Linnaeus, 1758)", "vernacularName": "Raccoon", "taxonRank": "species"},
    {"scientificName": "Anas platyrhynchos × Anas acuta"},
    {"scientificName": "Canis sp.", "genus": "Canis", "family": "Canidae", "kingdom": "Animalia"},
    {"scientificName": "Aves", "class": "Aves", "taxonRank": "class"},
    {"occurrenceID": "urn:with a\tTab"},
    {"occurrenceID": "=cmd()"},
    {"occurrenceID": "x" * 600},
]
PLAIN = {
    "eventDate": "2024-05-03", "scientificName": "Lynx lynx", "individualCount": "1",
    "decimalLatitude": "47.5", "decimalLongitude": "13.25", "countryCode": "AT", "locality": "Bog",
    "basisOfRecord": "HumanObservation",
}  # fmt: skip


def odd(path: Path) -> Path:
    """A file of records each of which is odd in its way, and of two that have no identifier."""
    rows = [PLAIN | {"occurrenceID": f"urn:odd:{place}"} | one for place, one in enumerate(ODD)]
    rows += [PLAIN | {"occurrenceID": ""}] * 2
    names = list(dict.fromkeys(name for row in rows for name in row))
    quoted = [['"' + row.get(name, "").replace('"', '""') + '"' for name in names] for row in rows]
    return table(path, ",".join(names), *map(",".join, quoted))


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Engine]:
    """The writer of another, empty database."""
    engine = open_database(f"sqlite:///{tmp_path / 'other.db'}")
    yield engine
    engine.dispose()


def contents(writer: Engine) -> dict[tuple[str, str], dict[str, Any]]:
    """Feed and identifier -> all that was understood of the record, its taxon and its place."""
    own = [column for column in Sighting.__table__.c if column.name not in OWN | HISTORY]
    taxon = [column.label(f"taxon {column.name}") for column in Taxon.__table__.c]
    place = [column.label(f"place {column.name}") for column in Place.__table__.c]
    asked = select(Feed.name.label("feed"), *own, *taxon, *place).join_from(Sighting, Taxon).join(Place)
    found = {}
    with writer.connect().execution_options(**LOOK) as connection:
        for row in connection.execute(asked.join(Feed).where(Sighting.retired_run.is_(None))).mappings():
            ours = {name: value for name, value in row.items() if name not in _IDS}
            found[row["feed"], row["occurrence_id"]] = ours | {
                "issues": set((row["issues"] or "").split(";"))
            }
    return found


_IDS = {"taxon id", "taxon added_run", "place id"}


def names(writer: Engine) -> set[tuple[str, str]]:
    """Every name that something can be asked for by."""
    with writer.connect().execution_options(**LOOK) as connection:
        return {tuple(row) for row in connection.execute(select(TaxonName.name_key, TaxonName.kind))}


def answers(url: str, feed: str = "") -> list[Any]:
    """What the reports answer, without the keys that each database gives."""
    reader, found = open_reader(url), []
    only = [("feed", feed)] if feed else []
    for name, query in (
        *(("timeline", [("interval", interval), ("limit", "200")]) for interval in ("year", "month", "hour")),
        *(("species", [("limit", "200"), ("measure", measure)]) for measure in ("records", "individuals")),
        ("summary", []),
    ):
        report = REPORTS[name]
        order = Order(report, "json", understood(report.parameters, [*query, *only]), "Park", ZoneInfo("UTC"))
        answer = json.loads(make(reader, order).content)
        rows = [{key: value for key, value in row.items() if key != "taxonKey"} for row in answer["data"]]
        found.append((name, rows, answer["meta"]["leftOut"], answer["meta"]["warnings"]))
    reader.dispose()
    return found


def brought_back(url: str, feed: str, path: Path, other: Engine) -> Outcome:
    """A feed of one database, exported and ingested into the other."""
    made = save(url, path, "zip", [("feed", feed)], "Park")
    outcome = read_one(other, path)
    assert (outcome.status, outcome.format, outcome.feed) == ("committed", "dwca", feed), outcome.message
    assert sums(outcome) == (made.records, made.records, 0, 0, 0), outcome.reasons
    return outcome


def assert_same(one: Engine, two: Engine, tmp_path: Path) -> None:
    first, second = contents(one), contents(two)
    assert first.keys() == second.keys()
    for key, record in first.items():
        assert second[key] == record
    with two.begin() as connection:
        assert damage(connection) == []


def test_odd_records_come_back_as_they_were(
    writer: Engine, database_url: str, other: Engine, tmp_path: Path
) -> None:
    outcome = read_one(writer, odd(tmp_path / "odd.csv"))
    assert sums(outcome)[:2] == (len(ODD) + 2, len(ODD) + 2), outcome.reasons
    brought_back(database_url, outcome.feed, tmp_path / "odd.zip", other)
    assert_same(writer, other, tmp_path)
    assert names(other) == names(writer)
    assert answers(database_url) == answers(str(other.url))
    again = read_one(other, tmp_path / "odd.csv")
    assert (again.status, sums(again)[3]) == ("unchanged", len(ODD) + 2)


def test_an_exported_archive_again_adds_nothing(writer: Engine, database_url: str, tmp_path: Path) -> None:
    outcome = read_one(writer, odd(tmp_path / "odd.csv"))
    save(database_url, tmp_path / "odd.zip", "zip", [], "Park")
    again = read_one(writer, tmp_path / "odd.zip")
    assert (again.feed, again.status, sums(again)[3]) == (outcome.feed, "unchanged", len(ODD) + 2)


@pytest.mark.parametrize("name", REAL)
def test_a_real_file_comes_back_as_it_was(
    shared_data: Find, sqlite_writer: Engine, other: Engine, tmp_path: Path, name: str
) -> None:
    outcome = read_one(sqlite_writer, shared_data(name))
    url = str(sqlite_writer.url)
    brought_back(url, outcome.feed, tmp_path / "a.zip", other)
    assert_same(sqlite_writer, other, tmp_path)
    assert names(other) <= names(sqlite_writer)
    assert answers(url) == answers(str(other.url))


@pytest.mark.parametrize("name", [known.name for known in FORMATS if known.about.sample])
def test_the_sample_of_a_format_comes_back_as_it_was(
    sqlite_writer: Engine, other: Engine, tmp_path: Path, name: str
) -> None:
    sample = next(known.about.sample for known in FORMATS if known.name == name)
    (tmp_path / "sample.txt").write_text(sample, encoding="utf-8")
    outcome = read_one(sqlite_writer, tmp_path / "sample.txt")
    url = str(sqlite_writer.url)
    brought_back(url, outcome.feed, tmp_path / "a.zip", other)
    assert_same(sqlite_writer, other, tmp_path)
    assert answers(url) == answers(str(other.url))


def test_several_feeds_come_back_an_archive_for_each(
    sqlite_writer: Engine, other: Engine, tmp_path: Path
) -> None:
    url = str(sqlite_writer.url)
    for feed in ("north", "Süd & Ost"):
        read_one(sqlite_writer, odd(tmp_path / "odd.csv"), feed=feed)
        brought_back(url, feed, tmp_path / f"{feed}.zip", other)
    assert_same(sqlite_writer, other, tmp_path)
    assert answers(url) == answers(str(other.url))


def test_what_was_corrected_and_undone_is_there_once_and_under_its_old_key(
    sqlite_writer: Engine, other: Engine, home: Path, tmp_path: Path
) -> None:
    read_one(
        sqlite_writer, table(tmp_path / "a.csv", "occurrenceID,date,species,count", "1,2024,Lynx,2"), feed="f"
    )
    read_one(
        sqlite_writer, table(tmp_path / "b.csv", "occurrenceID,date,species,count", "1,2024,Lynx,3"), feed="f"
    )
    assert here(home, "undo", "2").returncode == 0
    brought_back(str(sqlite_writer.url), "f", tmp_path / "f.zip", other)
    assert [row["individual_count"] for row in contents(other).values()] == [2]
    with DwCAReader(str(tmp_path / "f.zip")) as archive:
        assert [row.id for row in archive] == ["1"]


def test_python_dwca_reader_opens_an_archive_and_finds_rows_fields_and_metadata(
    home: Path, tmp_path: Path
) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    read_one(writer, odd(tmp_path / "odd.csv"), feed="odd")
    ingest(
        writer, [Record("Deer", 20240503, identifier="made", vernacular="Deer")], feed="demo", made_up=True
    )
    app = open_app(home, title="Park & Moor")
    body = app.test_client().get("/api/v1/export.zip?country=AT&year=*,2999").data
    app.extensions["sightings"].reader.dispose()
    (tmp_path / "odd.zip").write_bytes(body)
    with DwCAReader(str(tmp_path / "odd.zip")) as archive:
        assert archive.descriptor.core.type == f"{TERMS}Occurrence"
        assert archive.use_extensions is False
        rows = {row.data[f"{TERMS}occurrenceID"]: row for row in archive}
        dated = [one for one in ODD if one.get("eventDate", "2024") and one.get("countryCode", "AT") == "AT"]
        assert len(rows) == len(dated) + 2
        assert len({row.id for row in rows.values()}) == len(rows)
        tabbed = rows["urn:with a\tTab"].data
        assert tabbed[f"{TERMS}scientificName"] == "Lynx lynx"
        assert (tabbed[f"{TERMS}datasetName"], tabbed["urn:sightings:terms#feed"]) == ("odd", "odd")
        assert (tabbed[f"{TERMS}decimalLatitude"], tabbed[f"{TERMS}year"]) == ("47.5", "2024")
        assert "http://rs.gbif.org/terms/1.0/issue" in tabbed
        localities = {row.data[f"{TERMS}locality"] for row in rows.values()}
        assert {'"Quoted" place', 'ends with a "', "=1+1", "غابة 熊 🐻"} < localities
        dataset = archive.metadata.find("dataset")
        assert dataset.findtext("title") == f"Park & Moor: {len(rows)} records"
        said = [para.text for para in dataset.iterfind("abstract/para")]
        assert said[0].startswith(f"{len(rows)} records, 4 of them of absences, from 1987 to 2999-01-01")
        assert said[1] == "Restricted to country=AT, year=*,2999."
        assert said[2].startswith("Sources: odd.")
        counted = {
            one.tag: one.text for one in archive.metadata.iterfind("additionalMetadata/metadata/export/*")
        }
        assert (counted["records"], counted["absences"]) == (str(len(rows)), "4")
        assert dataset.findtext("pubDate")
        assert dataset.findtext("contact/organizationName") == "Park & Moor"


def test_an_archive_of_several_feeds_says_so_and_loses_none_of_its_records(
    home: Path, other: Engine, tmp_path: Path
) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    for feed in ("a", "b"):
        ingest(writer, [Record("Deer", 20240503, identifier="1")], feed=feed)
    assert here(home, "export", "-o", tmp_path / "both.zip").returncode == 0
    with DwCAReader(str(tmp_path / "both.zip")) as archive:
        rows = list(archive)
    assert [(row.id, row.data[f"{TERMS}occurrenceID"], row.data[f"{TERMS}datasetName"]) for row in rows] == [
        ("1", "1", "a"),
        ("2", "1", "b"),
    ]
    assert rows[0].data["urn:sightings:terms#feeds"] == "a | b"
    assert "urn:sightings:terms#feed" not in rows[0].data
    for status in ("committed", "unchanged"):
        (outcome,) = read(other, tmp_path / "both.zip", feed="both")
        assert outcome.status == status
    assert contents(other).keys() == {("both", "1"), ("both", "2")}


def test_the_same_records_give_the_same_bytes(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), [Record("Deer", 20240503, identifier="1")])
    app = open_app(home)
    first, second = (app.test_client().get("/api/v1/export.zip").data for _ in range(2))
    app.extensions["sightings"].reader.dispose()
    assert first == second
    assert zipfile.ZipFile(io.BytesIO(first)).testzip() is None


def test_a_feed_that_is_named_on_the_command_line_goes_before_that_of_the_archive(
    sqlite_writer: Engine, other: Engine, tmp_path: Path
) -> None:
    ingest(sqlite_writer, [Record("Deer", 20240503, identifier="1")], feed="park")
    save(str(sqlite_writer.url), tmp_path / "a.zip", "zip", [], "Park")
    (outcome,) = read(other, tmp_path / "a.zip", feed="moor")
    assert outcome.feed == "moor"
