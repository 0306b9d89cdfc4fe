"""The write side: what is new, changed and known, and that nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.check import damage
from db.models import Feed, Place, Sighting, Taxon, Touched
from db.names import MixedFeed
from db.store import remove_feed
from tests.files import image, per, read, read_one, rows_of, sums, table, version

HEAD = "occurrenceID,eventDate,species,individualCount"


def current(writer: Engine) -> dict[str, tuple[str, float | None]]:
    """Identifier -> what is current, in one feed."""
    found = rows_of(
        writer, Sighting.occurrence_id, Sighting.individual_count, Sighting.taxon_id, Sighting.retired_run
    )
    taxa = {row.id: row.name for row in rows_of(writer, Taxon.id, Taxon.name)}
    return {row[0]: (taxa[row.taxon_id], row.individual_count) for row in found if row.retired_run is None}


def nothing_is_wrong(writer: Engine) -> bool:
    with writer.begin() as connection:
        return damage(connection) == []


def test_identifiers_come_back_as_the_same_strings(writer: Engine, tmp_path: Path) -> None:
    names = ["007", "7", "1e5", "9007199254740993", "12345678901234567890123", "+5", "0x1F", "1.0", "NA"]
    path = table(tmp_path / "a.csv", HEAD, *(f"{name},2024-05-01,Lynx,1" for name in names))
    assert sums(read_one(writer, path)) == (9, 9, 0, 0, 0)
    assert sorted(row.occurrence_id for row in rows_of(writer, Sighting.occurrence_id)) == sorted(names)


def test_the_same_file_twice_leaves_the_version_alone(writer: Engine, tmp_path: Path) -> None:
    rows = ["a,2024-05-01,Lynx,1", "b,2024-05-02,Bear,2", "c,2024,Bear,"]
    path = table(tmp_path / "a.csv", HEAD, *rows)
    first = read_one(writer, path)
    before = image(writer)
    renamed = table(tmp_path / "b.csv", HEAD, *rows)
    reordered = table(tmp_path / "c.csv", HEAD, *reversed(rows))
    columns = table(
        tmp_path / "d.csv", "species,individualCount,occurrenceID,eventDate", "Lynx,1,a,2024-05-01"
    )
    for outcome in read(writer, path, renamed, reordered, columns):
        assert (outcome.status, outcome.tally.inserted, outcome.data_version) == ("unchanged", 0, first.run)
        assert outcome.tally.duplicate == outcome.tally.read
    after = image(writer)
    assert after._replace(ledger=[]) == before._replace(ledger=[])
    assert len(after.ledger) == 5


def test_rows_without_an_identifier_are_known_again_in_any_order(writer: Engine, tmp_path: Path) -> None:
    rows = ["2024-05-01,Lynx,1", "2024-05-01,Lynx,1", "2024-05-01,Bear,1"]
    read_one(writer, table(tmp_path / "a.csv", "date,species,count", *rows))
    again = read_one(writer, table(tmp_path / "b.csv", "date,species,count", rows[2], rows[0], rows[1]))
    assert (again.status, sums(again)) == ("unchanged", (3, 0, 0, 3, 0))


def test_two_identical_rows_are_two_animals(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", "date,species", *["2024-05-01,Lynx"] * 2, "2024-05-02,Lynx")
    assert sums(read_one(writer, path)) == (3, 3, 0, 0, 0)
    assert per(writer, "day") == {("Lynx", 20240501): 2, ("Lynx", 20240502): 1}
    third = table(tmp_path / "b.csv", "date,species", *["2024-05-01,Lynx"] * 3)
    assert sums(read_one(writer, third)) == (3, 1, 0, 2, 0)
    assert per(writer, "day")["Lynx", 20240501] == 3


def test_a_corrected_row_retires_the_old_one_and_keeps_it(writer: Engine, tmp_path: Path) -> None:
    first = read_one(writer, table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1", "b,2024-05-01,Bear,1"))
    second = read_one(writer, table(tmp_path / "b.csv", HEAD, "a,2024-05-01,Lynx,3", "b,2024-05-01,Bear,1"))
    assert sums(second) == (2, 0, 1, 1, 0)
    assert second.data_version == second.run == version(writer)
    kept = rows_of(
        writer, Sighting.key, Sighting.occurrence_id, Sighting.individual_count, Sighting.retired_run
    )
    assert [tuple(row[1:]) for row in kept] == [("a", 1, second.run), ("b", 1, None), ("a", 3, None)]
    assert per(writer, "year", "individuals") == {("Lynx", 2024): 3, ("Bear", 2024): 1}
    assert [row.run_id for row in rows_of(writer, Touched.run_id)] == [first.run, first.run, second.run]
    assert nothing_is_wrong(writer)


def test_a_record_that_moves_to_another_taxon_touches_both(writer: Engine, tmp_path: Path) -> None:
    read_one(
        writer, table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1", "b,2024-06-01,Bear,1", "c,2024,Wolf,1")
    )
    moved = read_one(writer, table(tmp_path / "b.csv", HEAD, "a,2024-05-03,Bear,1"))
    taxa = {row.name: row.id for row in rows_of(writer, Taxon.name, Taxon.id)}
    touched = rows_of(writer, Touched.taxon_id, Touched.run_id, Touched.first_day, Touched.last_day)
    assert {tuple(row) for row in touched if row.run_id == moved.run} == {
        (taxa["Lynx"], moved.run, 20240501, 20240501),
        (taxa["Bear"], moved.run, 20240503, 20240503),
    }
    assert per(writer, "total") == {("Bear", 0): 2, ("Wolf", 0): 1}
    assert nothing_is_wrong(writer)


def test_of_rows_that_share_an_identifier_the_last_one_wins(writer: Engine, tmp_path: Path) -> None:
    rows = ["a,2024-05-01,Lynx,1", "a,2024-05-01,Lynx,2", "b,2024-05-01,Bear,9", "a,2024-05-01,Lynx,3"]
    path = table(tmp_path / "a.csv", HEAD, *rows)
    outcome = read_one(writer, path)
    assert sums(outcome) == (4, 2, 2, 0, 0)
    assert outcome.tally.issues == {"IDENTIFIER_REPEATED": 2}
    assert current(writer) == {"a": ("Lynx", 3), "b": ("Bear", 9)}
    history = rows_of(
        writer, Sighting.individual_count, Sighting.added_run, Sighting.retired_run, Sighting.issues
    )
    retired = {row.individual_count: row.retired_run for row in history}
    assert retired == {1: outcome.run, 2: outcome.run, 3: None, 9: None}
    assert next(row.issues for row in history if row.individual_count == 3) == "IDENTIFIER_REPEATED"
    again = read_one(writer, path)
    assert (again.status, sums(again)) == ("unchanged", (4, 0, 0, 4, 0))
    assert nothing_is_wrong(writer)


def test_a_repeated_row_that_says_the_same_is_a_duplicate(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1", "a,2024-05-01,Lynx,1")
    assert sums(read_one(writer, path)) == (2, 1, 0, 1, 0)
    assert nothing_is_wrong(writer)


def test_a_correction_that_is_repeated_in_its_file_counts_once(writer: Engine, tmp_path: Path) -> None:
    read_one(writer, table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1"))
    path = table(tmp_path / "b.csv", HEAD, "a,2024-05-01,Lynx,5", "a,2024-05-02,Bear,7")
    assert sums(read_one(writer, path)) == (2, 0, 2, 0, 0)
    assert per(writer, "day", "individuals") == {("Bear", 20240502): 7}
    assert nothing_is_wrong(writer)


def test_a_correction_that_is_taken_back_is_one_more_correction(writer: Engine, tmp_path: Path) -> None:
    right = table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1")
    wrong = table(tmp_path / "b.csv", HEAD, "a,2024-05-01,Lynx,100")
    runs = [outcome.run for outcome in read(writer, right, wrong, right)]
    kept = rows_of(writer, Sighting.key, Sighting.individual_count, Sighting.added_run, Sighting.retired_run)
    assert [tuple(row[1:]) for row in kept] == [
        (1, runs[0], runs[1]),
        (100, runs[1], runs[2]),
        (1, runs[2], None),
    ]
    assert nothing_is_wrong(writer)


def test_the_same_identifier_in_two_feeds_is_two_records(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1")
    assert sums(read_one(writer, path, feed="north")) == (1, 1, 0, 0, 0)
    assert sums(read_one(writer, path, feed="south")) == (1, 1, 0, 0, 0)
    assert per(writer, "total") == {("Lynx", 0): 2}
    assert per(writer, "total", feeds=("north",)) == {("Lynx", 0): 1}


def test_tables_with_the_same_columns_are_one_feed(writer: Engine, tmp_path: Path) -> None:
    one = read_one(writer, table(tmp_path / "may.csv", "date,species", "2024-05-01,Lynx"))
    two = read_one(writer, table(tmp_path / "june.csv", "species,date", "Lynx,2024-06-01"))
    three = read_one(writer, table(tmp_path / "other.csv", "date,species,count", "2024-06-01,Lynx,1"))
    assert one.feed == two.feed != three.feed


def test_a_name_is_one_taxon_whatever_its_capitals(writer: Engine, tmp_path: Path) -> None:
    read_one(
        writer,
        table(tmp_path / "a.csv", "date,species", "2024-05-01,Bear", "2024-05-01,BEAR", "2024-05-01,bear"),
    )
    assert per(writer, "day") == {("Bear", 20240501): 3}
    assert per(writer, "day", species=("bEaR",)) == {("Bear", 20240501): 3}


def test_a_new_taxon_touches_its_own_days_only(writer: Engine, tmp_path: Path) -> None:
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1", "b,2024-06-01,Lynx,1"))
    assert [tuple(row) for row in rows_of(writer, Touched.run_id, Touched.first_day, Touched.last_day)] == [
        (outcome.run, 20240501, 20240601)
    ]


def test_a_name_that_is_learned_later_touches_every_day_of_its_taxon(writer: Engine, tmp_path: Path) -> None:
    head = "occurrenceID,eventDate,scientificName,vernacularName"
    read_one(writer, table(tmp_path / "a.csv", head, "a,2024-05-01,Lynx lynx,"))
    learned = read_one(writer, table(tmp_path / "b.csv", head, "b,2024-06-01,Lynx lynx,Eurasian lynx"))
    touched = rows_of(writer, Touched.run_id, Touched.first_day, Touched.last_day)
    assert [tuple(row) for row in touched if row.run_id == learned.run] == [(learned.run, 0, 99_999_999)]
    assert per(writer, "total", vernacular_names=("eurasian LYNX",)) == {("Lynx lynx", 0): 2}


def test_a_removed_feed_counts_nothing_and_may_come_again(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, "a,2024-05-01,Lynx,1", "b,,Bear,2")
    other = table(tmp_path / "b.csv", HEAD, "a,2024-05-01,Lynx,1")
    read(writer, path, feed="mine")
    read(writer, other, feed="other")
    removed = remove_feed(writer, "mine", made_up=False)
    assert (removed["status"], removed["removed"]) == ("committed", 2)
    assert removed["run"] == version(writer)
    assert per(writer, "total") == {("Lynx", 0): 1}
    assert nothing_is_wrong(writer)
    assert remove_feed(writer, "mine", made_up=False)["status"] == "unchanged"
    assert sums(read_one(writer, path, feed="mine")) == (2, 2, 0, 0, 0)
    assert per(writer, "total") == {("Lynx", 0): 2, ("Bear", 0): 1}
    assert nothing_is_wrong(writer)


def test_real_records_and_made_up_ones_never_share_a_feed(writer: Engine, tmp_path: Path) -> None:
    real, invented = (table(tmp_path / f"{name}.csv", HEAD, "a,2024-05-01,Lynx,1") for name in "ab")
    read_one(writer, invented, feed="demo", made_up=True)
    outcome = read_one(writer, real, feed="demo")
    assert (outcome.status, "'demo' holds made-up records" in outcome.message) == ("failed", True)
    read_one(writer, real, feed="mine")
    with pytest.raises(MixedFeed):
        remove_feed(writer, "mine", made_up=True)
    assert per(writer, "total") == {("Lynx", 0): 2}
    assert nothing_is_wrong(writer)


@pytest.mark.parametrize("rows", [["a,2024-05-01,Lynx,1"], ["a,2024-05-01,Lynx,1", "a,2024-05-01,Bear,1"]])
def test_a_dry_run_keeps_nothing_at_all(writer: Engine, tmp_path: Path, rows: list[str]) -> None:
    before = image(writer)
    outcome = read_one(writer, table(tmp_path / "a.csv", HEAD, *rows), dry_run=True)
    assert (outcome.run, outcome.data_version, outcome.status) == (None, 0, "committed")
    assert image(writer) == before
    assert rows_of(writer, Feed.id) == []


def test_a_dry_run_of_several_files_predicts_each_after_the_other(writer: Engine, tmp_path: Path) -> None:
    files = [
        table(tmp_path / "1.csv", HEAD, "a,2024-05-01,Lynx,1", "b,2024-05-01,Lynx,1"),
        table(tmp_path / "2.csv", HEAD, "b,2024-05-01,Lynx,1", "c,2024-05-01,Lynx,1"),
        table(tmp_path / "3.csv", HEAD, "c,2024-05-01,Bear,1", "d,,"),
        table(tmp_path / "4.csv", "nothing,here", "1,2"),
        table(tmp_path / "5.csv", HEAD, "a,2024-05-01,Lynx,1"),
    ]
    predicted = read(writer, *files, dry_run=True)
    real = read(writer, *files)
    assert [(one.status, sums(one), one.message) for one in predicted] == [
        (one.status, sums(one), one.message) for one in real
    ]
    assert [sums(one) for one in real] == [
        (2, 2, 0, 0, 0),
        (2, 1, 0, 1, 0),
        (2, 0, 1, 0, 1),
        (0,) * 5,
        (1, 0, 0, 1, 0),
    ]


def test_what_is_remembered_of_names_and_places_stays_bounded(
    writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("db.names._REMEMBERED", 5)
    monkeypatch.setattr("ingest.text.cutting.BLOCK", 300)
    monkeypatch.setattr("ingest.text.cutting._SAMPLE_ROWS", 5)
    head = "occurrenceID,eventDate,species,locality"
    rows = [f"r{n},2024-05-01,Animal {n % 30},Place {n % 40}" for n in range(120)]
    assert sums(read_one(writer, table(tmp_path / "a.csv", head, *rows))) == (120, 120, 0, 0, 0)
    assert len(rows_of(writer, Taxon.id)) == 30
    assert len(rows_of(writer, Place.id)) == 40
    assert nothing_is_wrong(writer)
