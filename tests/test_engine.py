"""Connections: who may write, what a transaction is, and when a query has to end."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError, OperationalError

from db.engine import open_reader, open_writer, wal_reset_bug
from db.file import DatabaseUnusable
from db.filters import Filters, data_version, scope
from db.questions import counts
from db.schema import upgrade
from tests.files import read_one, table, version

ROWS = ("date,species,count", "2024-05-01,Lynx,1", "2024-05-02,Bear,2")


@pytest.fixture
def reader(writer: Engine, database_url: str, tmp_path: Path) -> Iterator[Engine]:
    read_one(writer, table(tmp_path / "a.csv", *ROWS))
    engine = open_reader(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def sqlite_reader(sqlite_writer: Engine, home: Path, tmp_path: Path) -> Iterator[Engine]:
    read_one(sqlite_writer, table(tmp_path / "a.csv", *ROWS))
    engine = open_reader(f"sqlite:///{home / 'sightings.db'}")
    yield engine
    engine.dispose()


@pytest.mark.parametrize(
    ("release", "affected"),
    [
        ((3, 6, 23), False),
        ((3, 7, 0), True),
        ((3, 40, 1), True),
        ((3, 44, 5), True),
        ((3, 44, 6), False),
        ((3, 45, 0), True),
        ((3, 50, 6), True),
        ((3, 50, 7), False),
        ((3, 51, 2), True),
        ((3, 51, 3), False),
        ((3, 53, 0), False),
    ],
)
def test_the_releases_of_sqlite_with_the_wal_reset_bug_are_known(
    release: tuple[int, int, int], affected: bool
) -> None:
    assert wal_reset_bug(release) is affected


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO feed (name, made_up) VALUES ('x', false)",
        "UPDATE run SET message = 'x'",
        "DELETE FROM sighting",
        "DROP TABLE rollup",
        "CREATE TABLE mine (id INTEGER)",
    ],
)
def test_a_reader_cannot_write(reader: Engine, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"read-?only"), reader.begin() as connection:
        connection.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH 'other.db' AS other",
        "PRAGMA journal_mode=DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA user_version=7",
        "BEGIN IMMEDIATE",
        "VACUUM",
        "REINDEX",
    ],
)
def test_whatever_a_reader_of_sqlite_tries_the_file_stays_as_it_is(
    sqlite_reader: Engine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.chdir(tmp_path)
    file = home / "sightings.db"
    before = file.read_bytes()
    with sqlite_reader.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        cursor = raw.cursor()
        try:
            answer = cursor.execute(statement).fetchall()
        except sqlite3.OperationalError:
            answer = []
        cursor.close()
    # A pragma may answer instead of failing: what is in force, or "busy".
    assert answer in ([], [("wal",)], [(1, -1, -1)], [(0, -1, -1)], [(0, 0, 0)])
    assert file.read_bytes() == before
    assert not (tmp_path / "other.db").exists()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_reader_works_after_the_writer_has_closed_and_taken_the_wal_with_it(
    sqlite_writer: Engine, home: Path, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", *ROWS))
    sqlite_writer.dispose()
    assert [file.name for file in home.glob("sightings.db-*")] == []
    reader = open_reader(f"sqlite:///{home / 'sightings.db'}")
    with reader.begin() as connection:
        assert data_version(connection) == 1
        read_one(sqlite_writer, table(tmp_path / "b.csv", *ROWS, "2024-06-01,Lynx,4"))
        assert data_version(connection) == 1
    with reader.begin() as connection:
        assert data_version(connection) == 2
    reader.dispose()


def test_a_home_with_odd_characters_in_its_name_works(tmp_path: Path) -> None:
    folder = tmp_path / "a#b & ü"
    url = f"sqlite:///{folder / 'sightings.db'}"
    upgrade(open_writer(url))
    assert (folder / "sightings.db").is_file()
    reader = open_reader(url)
    with reader.begin() as connection:
        assert data_version(connection) == 0
    reader.dispose()


def statements(engine: Engine) -> list[str]:
    """What the engine sends from now on, each statement by its first words."""
    sent: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, text, *_: sent.append(text.split("\n")[0]))
    event.listen(engine, "commit", lambda _: sent.append("COMMIT"))
    event.listen(engine, "rollback", lambda _: sent.append("ROLLBACK"))
    return sent


def test_what_a_reader_sees_together_is_one_transaction(sqlite_reader: Engine) -> None:
    sent = statements(sqlite_reader)
    with sqlite_reader.begin() as connection:
        counts.per_bucket(connection, scope(connection, Filters(species=("lynx",))), "year")
    assert (sent[0], sent[-1]) == ("BEGIN", "COMMIT")
    assert len(sent) > 3
    assert all(one.startswith("SELECT") for one in sent[1:-1])


def transactions(sent: list[str], table: str) -> list[list[str]]:
    """Those that write into this table, each with its first and last statement."""
    parts: list[list[str]] = [[]]
    for one in sent:
        parts[-1].append(one)
        if one in ("COMMIT", "ROLLBACK"):
            parts.append([])
    return [part for part in parts if any(one.startswith(f"INSERT INTO {table} ") for one in part)]


def test_one_ingest_is_one_transaction(sqlite_writer: Engine, tmp_path: Path) -> None:
    """What it looks up before, and the note that it is under way, are no part of what it brings."""
    sent = statements(sqlite_writer)
    read_one(sqlite_writer, table(tmp_path / "a.csv", *ROWS))
    (kept,) = transactions(sent, "sighting")
    assert transactions(sent, "run") == transactions(sent, "rollup") == [kept]
    assert transactions(sent, "touched") == [kept]
    assert (kept[0], kept[-1]) == ("BEGIN IMMEDIATE", "COMMIT")
    assert sum(one in ("BEGIN", "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK") for one in kept) == 2


def test_a_failed_ingest_is_rolled_back_and_told_in_a_transaction_of_its_own(
    sqlite_writer: Engine, tmp_path: Path
) -> None:
    sent = statements(sqlite_writer)
    read_one(sqlite_writer, table(tmp_path / "a.csv", "date,species", "never,Lynx", "nowhere,Bear"))
    tried, told = transactions(sent, "run")
    assert (tried[0], tried[-1]) == ("BEGIN IMMEDIATE", "ROLLBACK")
    assert (told[0], told[-1]) == ("BEGIN IMMEDIATE", "COMMIT")


def test_a_transaction_that_only_looks_does_not_wait_for_the_writer(
    sqlite_writer: Engine, home: Path
) -> None:
    other = open_writer(f"sqlite:///{home / 'sightings.db'}")
    with sqlite_writer.begin():
        started = time.monotonic()
        upgrade(other)  # stands at the newest schema, so it only looks
        assert time.monotonic() - started < 5


def test_checkpoint_and_vacuum_leave_the_data_version_alone(
    sqlite_writer: Engine, home: Path, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", *ROWS))
    with closing(sqlite3.connect(home / "sightings.db", isolation_level=None)) as connection:
        for statement in (
            "PRAGMA wal_checkpoint(TRUNCATE)",
            "VACUUM",
            "ANALYZE",
            "PRAGMA wal_checkpoint(PASSIVE)",
        ):
            connection.execute(statement)
            assert version(sqlite_writer) == 1


def test_a_run_that_failed_or_changed_nothing_leaves_the_data_version_alone(
    writer: Engine, tmp_path: Path
) -> None:
    read_one(writer, table(tmp_path / "a.csv", *ROWS))
    read_one(writer, table(tmp_path / "b.csv", "date,species", "never,Lynx"))
    read_one(writer, table(tmp_path / "a.csv", *ROWS))
    assert version(writer) == 1


def test_a_commit_lies_in_the_wal_and_is_durable(sqlite_writer: Engine) -> None:
    with sqlite_writer.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2


def test_a_database_in_memory_is_refused() -> None:
    with pytest.raises(DatabaseUnusable, match="must be a file"):
        open_writer("sqlite://")


def test_a_query_that_takes_too_long_is_stopped_and_the_connection_stays_good(
    writer: Engine, database_url: str
) -> None:
    reader = open_reader(database_url, time_limit=0.3)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    started = time.monotonic()
    with pytest.raises(OperationalError), reader.begin() as connection:
        connection.execute(text(endless))
    assert 0.2 < time.monotonic() - started < 3
    with reader.begin() as connection:
        assert data_version(connection) == 0
    reader.dispose()
