"""Records that are made up: as many, as varied and as repeatable as promised, and gone when asked."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

from ingest import demo
from tests.files import here, manage_json


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_table_of_the_reading_is_in_the_readings_ranges(tmp_path: Path) -> None:
    demo.write_reading(tmp_path / "reading.csv")
    rows = read(tmp_path / "reading.csv")
    assert list(rows[0]) == ["Year", "Bear", "Deer", "Wolf"]
    assert [int(row["Year"]) for row in rows] == list(range(2010, 2022))
    for animal, low, high in (("Bear", 80, 120), ("Deer", 700, 1100), ("Wolf", 20, 30)):
        counts = [int(row[animal]) for row in rows]
        assert low <= min(counts) < max(counts) <= high


def test_a_year_is_about_twenty_thousand_records_of_thirty_species_with_seasons_hours_and_places(
    tmp_path: Path,
) -> None:
    last = date(2026, 7, 31)
    demo.write_year(tmp_path / "year.csv", last)
    rows = read(tmp_path / "year.csv")
    assert 18_000 <= len(rows) <= 22_000
    assert len({row["scientificName"] for row in rows}) == 30
    assert len({row["occurrenceID"] for row in rows}) == len(rows)
    days = {date.fromisoformat(row["eventDate"]) for row in rows}
    assert (min(days), max(days)) == (date(2025, 8, 1), last)
    assert len({row["locality"] for row in rows}) == 8
    assert len({row["eventTime"][:2] for row in rows}) == 24
    assert all(int(row["individualCount"]) >= 1 for row in rows)
    cuckoos = Counter(row["eventDate"][5:7] for row in rows if row["vernacularName"] == "Common cuckoo")
    assert cuckoos["05"] > 50
    assert not cuckoos["12"]


def test_the_same_day_always_brings_the_same_records(tmp_path: Path) -> None:
    demo.write_year(tmp_path / "one.csv", date(2026, 7, 30))
    demo.write_year(tmp_path / "two.csv", date(2026, 7, 31))
    one, two = read(tmp_path / "one.csv"), read(tmp_path / "two.csv")
    assert one == [row for row in two if row["eventDate"] <= "2026-07-30"]


def test_the_demo_comes_goes_and_comes_again(home: Path) -> None:
    first = here(home, "demo", "--json")
    assert first.returncode == 0, first.stderr
    status = manage_json(home, "status")
    assert sorted(status["feeds"]) == ["demo", "reading"]
    assert 18_000 <= status["records"] <= 22_036
    again = here(home, "demo")
    assert again.returncode == 0, again.stderr
    assert manage_json(home, "status")["dataVersion"] == status["dataVersion"]
    removed = here(home, "demo", "--remove")
    assert removed.returncode == 0, removed.stderr
    gone = manage_json(home, "status")
    assert (gone["records"], gone["dataAsOf"]) == (0, None)
    assert gone["dataVersion"] > status["dataVersion"]
    assert here(home, "check").stdout == "Nothing is wrong.\n"
