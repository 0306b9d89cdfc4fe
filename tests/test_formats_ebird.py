"""eBird: an observer's own export, the Basic Dataset, and eBird's records in Darwin Core."""

from __future__ import annotations

import csv
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.models import Place, Sighting
from ingest.formats import ebird
from tests.files import per, read_one, rows_of, sums, table, version

MINE = "A08-ebird-mydata/MyEBirdData.csv"
GBIF = "A13-latin1-ragged/ebird.tab.txt"


def own_records(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, restval=""))


def test_every_record_of_an_observer_goes_in_with_its_day_and_its_hour(
    shared_data: Callable[[str], Path], sqlite_writer: Engine
) -> None:
    path = shared_data(MINE)
    outcome = read_one(sqlite_writer, path)
    rows = own_records(path)
    assert (outcome.format, outcome.feed, sums(outcome)) == ("ebird", "ebird", (7_469, 7_469, 0, 0, 0))
    assert outcome.tally.issues == {"INDIVIDUAL_COUNT_INVALID": sum(row["Count"] == "X" for row in rows)}
    days = Counter(int(row["Date"].replace("-", "")) for row in rows)
    found = Counter[int]()
    for (_, day), n in per(sqlite_writer, "day").items():
        found[day] += int(n)
    assert found == days
    hours = {}
    for row in rows:
        at = datetime.strptime(row["Time"], "%I:%M %p") if row["Time"] else None
        identity = f"{row['Submission ID']} {row['Scientific Name']}"
        hours[identity] = at.hour * 3600 + at.minute * 60 if at else None
    assert sum(hour is None for hour in hours.values()) == 131
    kept = rows_of(sqlite_writer, Sighting.occurrence_id, Sighting.time_of_day)
    assert {row.occurrence_id: row.time_of_day for row in kept} == hours
    countries = {row["State/Province"][:2] for row in rows}
    assert {row.country_code for row in rows_of(sqlite_writer, Place.country_code)} == countries


def test_the_export_of_next_month_corrects_instead_of_doubling(
    shared_data: Callable[[str], Path], sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = shared_data(MINE)
    read_one(sqlite_writer, path)
    head, *lines = path.read_text(encoding="utf-8").splitlines()
    random.Random(3).shuffle(lines)
    fields = next(fields for fields in csv.reader(lines) if fields[2] == "Turdus migratorius")
    place = next(place for place, line in enumerate(lines) if line.startswith(",".join(fields[:4])))
    fields[3] = str(int(fields[3]) + 100)  # the number of the taxonomy of another year
    fields[4] = "77"
    lines[place] = ",".join(f'"{field}"' for field in fields)
    with zipfile.ZipFile(tmp_path / "ebird_1.zip", "w") as packed:
        packed.writestr("MyEBirdData.csv", "\n".join([head, *lines, lines[0].replace("S", "S9", 1)]) + "\n")
    outcome = read_one(sqlite_writer, tmp_path / "ebird_1.zip")
    assert (outcome.feed, sums(outcome)) == ("ebird", (7_470, 1, 1, 7_468, 0))


BASIC = (
    *("GLOBAL UNIQUE IDENTIFIER", "LAST EDITED DATE", "TAXONOMIC ORDER", "CATEGORY", "COMMON NAME"),
    *("SCIENTIFIC NAME", "SUBSPECIES SCIENTIFIC NAME", "OBSERVATION COUNT", "COUNTRY", "COUNTRY CODE"),
    *("STATE", "STATE CODE", "COUNTY", "LOCALITY", "LOCALITY ID", " LOCALITY TYPE", "LATITUDE", "LONGITUDE"),
    *("OBSERVATION DATE", "TIME OBSERVATIONS STARTED", "OBSERVER ID", "SAMPLING EVENT IDENTIFIER"),
    *("GROUP IDENTIFIER", "APPROVED", "REVIEWED", "SPECIES COMMENTS", ""),
)


def record(number: int, checklist: int, name: str, count: str = "2", group: str = "", **more: str) -> str:
    given = dict.fromkeys(BASIC, "") | {
        "GLOBAL UNIQUE IDENTIFIER": f"URN:CornellLabOfOrnithology:EBIRD:OBS{number}",
        "COMMON NAME": name.lower(),
        "SCIENTIFIC NAME": name,
        "OBSERVATION COUNT": count,
        "COUNTRY": "Norway",
        "COUNTRY CODE": "NO",
        "STATE": "Oslo",
        "LOCALITY ID": "L1",
        "LATITUDE": "59.9",
        "LONGITUDE": "10.7",
        "OBSERVATION DATE": "2024-05-01",
        "TIME OBSERVATIONS STARTED": "07:15:00",
        "OBSERVER ID": f"obsr{checklist}",
        "SAMPLING EVENT IDENTIFIER": f"S{checklist}",
        "GROUP IDENTIFIER": group,
        "APPROVED": "1",
    }
    return "\t".join((given | more).values())


def dataset(path: Path, *records: str) -> Path:
    return table(path, "\t".join(BASIC), *records)


def test_quotes_of_the_basic_dataset_are_letters(writer: Engine, tmp_path: Path) -> None:
    said = ['"Heard', 'the "real" one', 'one"', '"']
    path = dataset(
        tmp_path / "ebd_NO.txt",
        *(record(n, n, "Parus major", **{"SPECIES COMMENTS": text}) for n, text in enumerate(said, 1)),
    )
    outcome = read_one(writer, path)
    assert (outcome.format, outcome.feed, sums(outcome)) == ("ebird-basic", "ebird", (4, 4, 0, 0, 0))
    verbatim = [row.verbatim.split("\x1f") for row in rows_of(writer, Sighting.verbatim)]
    assert sorted(fields[BASIC.index("SPECIES COMMENTS")] for fields in verbatim) == sorted(said)
    found = rows_of(writer, Sighting.first_day, Sighting.time_of_day, Sighting.decimal_latitude)
    assert {tuple(row) for row in found} == {(20240501, 7 * 3600 + 15 * 60, 59.9)}
    places = rows_of(writer, Place.country_code, Place.state_province, Place.location_id)
    assert [tuple(row) for row in places] == [("NO", "Oslo", "L1")]


def test_a_checklist_that_a_group_shares_counts_once_whatever_the_order(
    writer: Engine, tmp_path: Path
) -> None:
    records = [
        record(1, 12, "Parus major", "5", "G1"),
        record(2, 9, "Parus major", "4", "G1"),  # 9 is lower than 12, although not as text
        record(3, 12, "Corvus corax", "1", "G1"),  # only one of them saw it
        record(4, 9, "Junco hyemalis", "1", "G1"),
        record(
            5, 9, "Junco hyemalis", "2", "G1", **{"SUBSPECIES SCIENTIFIC NAME": "Junco hyemalis oreganus"}
        ),
        record(6, 12, "Junco hyemalis", "3", "G1"),
        record(7, 30, "Parus major", "X", "G2"),
        record(8, 31, "Parus major", "6"),
        record(9, 32, "Parus major", "6"),
    ]
    outcome = read_one(writer, dataset(tmp_path / "ebd.txt", *records))
    assert (sums(outcome), outcome.tally.skips) == ((9, 7, 0, 0, 0), {"SHARED_CHECKLIST": 2})
    counted = {"Parus major": 4 + 1 + 6 + 6, "Corvus corax": 1, "Junco hyemalis": 3}
    assert per(writer, "total", "individuals") == {(name, 0): n for name, n in counted.items()}
    before = version(writer)
    again = read_one(writer, dataset(tmp_path / "later.txt", *reversed(records)))
    assert (sums(again), again.tally.skipped, version(writer)) == ((9, 0, 0, 7, 0), 2, before)


def test_the_dataset_is_found_in_its_zip_and_its_checklists_are_no_sightings(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = dataset(tmp_path / "ebd_NO.txt", record(1, 1, "Parus major"))
    checklists = "LAST EDITED DATE\tCOUNTRY\tSAMPLING EVENT IDENTIFIER\t\n2024-05-02\tNorway\tS1\t\n"
    (tmp_path / "ebd_NO_sampling.txt").write_text(checklists)
    with zipfile.ZipFile(tmp_path / "ebd_NO.zip", "w") as packed:
        packed.write(path, path.name)
        packed.writestr("ebd_NO_sampling.txt", checklists)
        packed.writestr("README.txt", "Please cite.\nThank you.\n")
    outcome = read_one(sqlite_writer, tmp_path / "ebd_NO.zip")
    assert (outcome.format, sums(outcome)) == ("ebird-basic", (1, 1, 0, 0, 0))
    alone = read_one(sqlite_writer, tmp_path / "ebd_NO_sampling.txt")
    assert alone.message == (
        f"{tmp_path / 'ebd_NO_sampling.txt'} holds eBird's checklists without their species, so no sightings:"
        " ingest the ebd_ file that it belongs to."
    )


def test_records_of_ebird_in_darwin_core_are_any_table(
    shared_data: Callable[[str], Path], sqlite_writer: Engine
) -> None:
    path = shared_data(GBIF)
    outcome = read_one(sqlite_writer, path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader((line for line in file if line.strip()), delimiter="\t"))
    identities = {row["OCCURRENCEID"] for row in rows}
    assert (outcome.format, len(rows), sums(outcome)[1]) == ("table", 8, len(identities))
    expected = set()
    for row in rows:
        day = int(row["YEAR"] + row["MONTH"] + row["DAY"])
        hour = round(float(row["EVENTTIME"]) * 3600) if row["EVENTTIME"] else None
        expected.add((row["OCCURRENCEID"], day, day, hour))
    found = rows_of(
        sqlite_writer, Sighting.occurrence_id, Sighting.first_day, Sighting.last_day, Sighting.time_of_day
    )
    assert {tuple(row) for row in found} <= expected
    assert len(found) == len(identities)


@pytest.mark.parametrize(("about", "counted"), [(ebird.ABOUT_MINE, 2), (ebird.ABOUT_BASIC, 1)])
def test_the_samples_of_ebird_parse(
    sqlite_writer: Engine, tmp_path: Path, about: ebird.About, counted: int
) -> None:
    (tmp_path / "sample").write_text(about.sample)
    outcome = read_one(sqlite_writer, tmp_path / "sample")
    assert (outcome.tally.read, outcome.tally.inserted, outcome.feed) == (2, counted, "ebird")
