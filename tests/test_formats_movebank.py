"""Movebank: every fix that its owner kept is one record of one animal, in UTC."""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from db.models import Sighting
from ingest.formats import movebank
from tests.files import per, read_one, rows_of, sums, table, version

HARRIER = "A14-movebank-gull/20251216_MH_ANTWERPEN-gps-2018.csv.gz"


def test_a_track_is_a_record_per_fix_without_its_outliers(
    shared_data: Callable[[str], Path], sqlite_writer: Engine, tmp_path: Path
) -> None:
    path = tmp_path / "harrier.csv"
    path.write_bytes(gzip.decompress(shared_data(HARRIER).read_bytes()))
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    kept = {row["event-id"]: row for row in rows if row["visible"] == "true"}
    outcome = read_one(sqlite_writer, path)
    assert (len(rows), len(kept)) == (2_690, 2_686)
    assert (outcome.format, sums(outcome)) == ("movebank", (2_690, 2_686, 0, 0, 0))
    assert outcome.tally.skips == {"OUTLIER": 4}
    found = rows_of(
        sqlite_writer,
        Sighting.occurrence_id,
        Sighting.first_day,
        Sighting.time_of_day,
        Sighting.utc_offset,
        Sighting.decimal_latitude,
        Sighting.decimal_longitude,
        Sighting.individual_count,
        Sighting.basis_of_record,
    )
    assert {row.occurrence_id for row in found} == kept.keys()
    for row in found:
        fix = kept[row.occurrence_id]
        at = datetime.strptime(fix["timestamp"], "%Y-%m-%d %H:%M:%S.%f")
        assert row.first_day == int(at.strftime("%Y%m%d"))
        assert row.time_of_day == at.hour * 3600 + at.minute * 60 + at.second
        assert (row.decimal_latitude, row.decimal_longitude) == (
            float(fix["location-lat"]),
            float(fix["location-long"]),
        )
        assert (row.utc_offset, row.individual_count, row.basis_of_record) == (0, 1, "MACHINE_OBSERVATION")
    days = Counter(int(fix["timestamp"][:10].replace("-", "")) for fix in kept.values())
    assert per(sqlite_writer, "day") == {("Circus aeruginosus", day): n for day, n in days.items()}
    before = version(sqlite_writer)
    assert sums(read_one(sqlite_writer, path)) == (2_690, 0, 0, 2_686, 0)
    assert version(sqlite_writer) == before


UNDERSCORES = "event_id,visible,timestamp,location_long,location_lat,individual_taxon_canonical_name"


def test_a_fix_at_midnight_has_its_hour_and_moves_with_the_zone(writer: Engine, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        UNDERSCORES,
        "1,true,2024-05-02 00:00:00.000,4.2,51.3,Larus fuscus",
        "2,true,2024-05-02 05:30:00.000,4.2,51.3,Larus fuscus",
    )
    assert sums(read_one(writer, path)) == (2, 2, 0, 0, 0)
    hours = rows_of(writer, Sighting.first_day, Sighting.time_of_day, Sighting.utc_offset)
    assert [tuple(row) for row in hours] == [(20240502, 0, 0), (20240502, 19_800, 0)]
    assert sums(read_one(writer, path, timezone="America/New_York")) == (2, 0, 2, 0, 0)
    moved = rows_of(
        writer, Sighting.first_day, Sighting.time_of_day, Sighting.utc_offset, Sighting.retired_run
    )
    assert [tuple(row[:3]) for row in moved if row.retired_run is None] == [
        (20240501, 72_000, -240),
        (20240502, 5_400, -240),
    ]


def test_events_that_are_no_fix_of_an_animal_are_skipped(writer: Engine, tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.csv",
        UNDERSCORES,
        "1,true,2024-05-02 00:00:00.000,4.2,51.3,Larus fuscus",
        "2,false,2024-05-02 00:10:00.000,4.2,51.3,Larus fuscus",
        "3,true,2024-05-02 00:20:00.000,,,Larus fuscus",
        "4,true,2024-05-02 00:30:00.000,4.2,51.3,",
    )
    outcome = read_one(writer, path)
    assert sums(outcome) == (4, 1, 0, 0, 0)
    assert outcome.tally.skips == {"OUTLIER": 1, "NO_FIX": 1, "NO_ANIMAL": 1}


def test_a_study_without_a_taxon_asks_for_it(writer: Engine, tmp_path: Path) -> None:
    head = "event-id,visible,timestamp,location-long,location-lat,individual-local-identifier"
    path = table(tmp_path / "a.csv", head, "1,true,2024-05-02 00:00:00.000,4.2,51.3,Nils")
    assert "no column for a species" in read_one(writer, path).message
    assert sums(read_one(writer, path, set={"scientificName": "Anser anser"})) == (1, 1, 0, 0, 0)


def test_the_sample_of_movebank_parses(sqlite_writer: Engine, tmp_path: Path) -> None:
    (tmp_path / "sample").write_text(movebank.ABOUT.sample)
    outcome = read_one(sqlite_writer, tmp_path / "sample")
    assert (sums(outcome), outcome.tally.skips) == ((3, 2, 0, 0, 0), {"OUTLIER": 1})
