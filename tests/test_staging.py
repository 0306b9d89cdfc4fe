"""Many rows wait in a file that is written in C, few in a temporary table: nobody can tell which it was."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import beside, merge, staging
from db.check import damage
from db.engine import open_writer
from db.models import Sighting
from db.schema import upgrade
from tests.files import image, read, read_one, rows_of, sums, table, version

HEAD = "occurrenceID,eventDate,species,individualCount,recordedBy"
DICE = random.Random(11)
ROWS = [
    f"r{number},2024-{DICE.randint(1, 12):02}-{DICE.randint(1, 28):02},"
    f"{DICE.choice(['Lynx', 'Bear', 'Wolf'])},{DICE.choice(['', '0', '2', 'x'])},"
    f"{DICE.choice(['', 'A', 'Ü'])}"
    for number in range(60)
]
CHANGED = [*ROWS[:20], *(row.replace("2024", "2023") for row in ROWS[20:40]), "r99,2024,Lynx,1,"]
TWICE = [*ROWS[:10], ROWS[3].replace("2024", "2022"), ROWS[3], ROWS[5]]
NAMELESS = [row.partition(",")[2] for row in [*ROWS[:20], *ROWS[:5], *ROWS[:5], *ROWS[:1]]]


@pytest.fixture
def twins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Engine, Engine]:
    """Two databases."""
    found = []
    for name in ("few", "many"):
        (tmp_path / name).mkdir()
        writer = open_writer(f"sqlite:///{tmp_path / name / 'sightings.db'}")
        upgrade(writer)
        found.append(writer)
    return found[0], found[1]


@pytest.mark.parametrize(
    "inputs",
    [
        [ROWS],
        [ROWS, ROWS],
        [ROWS, CHANGED],
        [CHANGED, ROWS, TWICE],
        [TWICE],
        [TWICE, ROWS],
        [[ROWS[0]], ROWS],
    ],
)
def test_a_file_and_a_temporary_table_bring_the_same(
    twins: tuple[Engine, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: list[list[str]]
) -> None:
    files = [table(tmp_path / f"{number}.csv", HEAD, *rows) for number, rows in enumerate(inputs)]
    tallies = []
    for writer, few in zip(twins, (1_000, 3), strict=True):
        monkeypatch.setattr(staging, "FEW", few)
        tallies.append([sums(read_one(writer, file)) for file in files])
        with writer.begin() as connection:
            assert damage(connection) == []
    assert tallies[0] == tallies[1]
    assert image(twins[0]) == image(twins[1])
    assert [path.name for path in (tmp_path / "many").iterdir() if "staging" in path.name] == []


def test_identical_rows_without_a_name_are_several_animals_either_way(
    twins: tuple[Engine, Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "a.csv", HEAD.partition(",")[2], *NAMELESS)
    for writer, few in zip(twins, (1_000, 3), strict=True):
        monkeypatch.setattr(staging, "FEW", few)
        for expected in ((len(NAMELESS), len(NAMELESS), 0, 0, 0), (len(NAMELESS), 0, 0, len(NAMELESS), 0)):
            assert sums(read_one(writer, file)) == expected
    names = [[row.occurrence_id for row in rows_of(writer, Sighting.occurrence_id)] for writer in twins]
    assert names[0] == names[1]
    assert len(set(names[0])) == len(NAMELESS)
    assert sum(name.endswith("-3") for name in names[0]) == 5


def test_rows_are_moved_in_one_go_into_an_empty_database_only(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "FEW", 3)
    moved, move = [], merge._moved

    def watched(*given: object) -> bool:
        moved.append(move(*given))  # type: ignore[arg-type]
        return moved[-1]

    monkeypatch.setattr(merge, "_moved", watched)
    first = table(tmp_path / "a.csv", HEAD, *ROWS)
    read_one(sqlite_writer, first)
    assert moved == [True]
    read_one(sqlite_writer, first, feed="another")
    read_one(sqlite_writer, first)
    assert moved == [True]
    bigger = [row.replace("r", "s", 1) + str(number) for number in range(4) for row in ROWS]
    read_one(sqlite_writer, table(tmp_path / "b.csv", HEAD, *bigger), feed="third")
    assert moved == [True, False]  # r0 twice: one animal that was corrected
    more = [f"{number}-{row}" for number in range(12) for row in ROWS]
    read_one(sqlite_writer, table(tmp_path / "c.csv", HEAD, *more), feed="fourth")
    assert moved == [True, False, True]
    with sqlite_writer.begin() as connection:
        assert damage(connection) == []
        names = {row[0] for row in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
    assert {index.name for index in Sighting.__table__.indexes} <= names  # type: ignore[attr-defined]


def test_what_a_killed_ingester_left_is_removed_by_the_next(
    sqlite_writer: Engine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "FEW", 3)
    left = home / "sightings.db.staging-1-2"
    left.write_bytes(b"half")
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *ROWS))
    assert sorted(path.name for path in home.iterdir()) == ["sightings.db", "sightings.db.lock"]


def test_a_file_that_cannot_be_written_fails_its_run_and_no_other(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = table(tmp_path / "a.csv", HEAD, *ROWS)
    monkeypatch.setattr(staging, "FEW", 3)
    with monkeypatch.context() as patch:
        patch.setattr(beside, "_SUFFIX", "/no such folder/")
        failed = read_one(sqlite_writer, file)
    assert (failed.status, version(sqlite_writer)) == ("failed", 0)
    assert read_one(sqlite_writer, file).status == "committed"


def test_a_dry_run_of_many_files_meets_what_those_before_would_bring(
    sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite attaches ten files at the most."""
    monkeypatch.setattr(staging, "FEW", 3)
    files = [table(tmp_path / f"{number:02}.csv", HEAD, *ROWS[number * 4 :][:8]) for number in range(13)]
    predicted = [sums(one) for one in read(sqlite_writer, *files, dry_run=True)]
    assert [sums(one) for one in read(sqlite_writer, *files)] == predicted
    assert predicted[1] == (8, 4, 0, 4, 0)
