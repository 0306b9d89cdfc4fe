"""The newest data version, as every request asks for it: never behind a commit, and silent where unsure."""

from __future__ import annotations

import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from db.engine import open_reader
from db.watch import AGE_SECONDS, FileWatch, Seen, ServerWatch, Watch, watch
from tests.seed import READING, ingest, open_database, year

SECONDS = 10.0


@pytest.fixture
def writer(database_url: str) -> Engine:
    found = open_database(database_url)
    ingest(found, READING)
    return found


@pytest.fixture
def reader(writer: Engine, database_url: str) -> Iterator[Engine]:
    found = open_reader(database_url)
    yield found
    found.dispose()


@pytest.fixture
def watched(reader: Engine) -> Iterator[Watch]:
    found = watch(reader)
    yield found
    found.close()


def known(watched: Watch) -> Seen:
    """What it tells as soon as it tells anything."""
    deadline = time.monotonic() + SECONDS
    while (seen := watched.now()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return seen


def until(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + SECONDS
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.02)
    return holds()


def test_it_is_the_same_object_until_something_is_committed_that_changed_rows(
    watched: Watch, writer: Engine
) -> None:
    first = known(watched)
    assert first.version == 1
    ingest(writer, READING)  # nothing new in it
    time.sleep(2 * AGE_SECONDS)
    assert known(watched) is first
    assert ingest(writer, [year("Wolf", 2015, 7)]) == 3
    assert until(lambda: known(watched).version == 3)
    assert known(watched) is not first


def test_an_empty_database_is_at_version_0(database_url: str) -> None:
    open_database(database_url).dispose()
    reader = open_reader(database_url)
    watched = watch(reader)
    assert known(watched).version == 0
    watched.close()
    reader.dispose()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_is_never_behind_a_commit(watched: Watch, writer: Engine) -> None:
    assert isinstance(watched, FileWatch)
    for count in range(1, 20):
        run = ingest(writer, [year("Wolf", 2015, count)], feed=f"feed {count}")
        seen = watched.now()
        assert seen is not None
        assert seen.version == run


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_checkpoint_and_a_vacuum_move_nothing(watched: Watch, writer: Engine, database_url: str) -> None:
    first = known(watched)
    with closing(sqlite3.connect(str(writer.url.database), isolation_level=None)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.execute("VACUUM")
    assert watched.now() is first


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_is_away_is_not_known_and_another_in_its_place_is_another(
    watched: Watch, writer: Engine, tmp_path: Path
) -> None:
    path = Path(str(writer.url.database))
    writer.dispose()
    first = known(watched)
    shutil.copy(path, tmp_path / "copy.db")
    path.rename(tmp_path / "away.db")
    assert until(lambda: watched.now() is None)
    shutil.copy(tmp_path / "copy.db", path)
    again = known(watched)
    assert (again.version, again is first) == (first.version, False)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux who holds which lock")
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_letting_go_of_a_file_leaves_the_others_of_this_process_their_locks(
    watched: Watch, reader: Engine, writer: Engine
) -> None:
    index = Path(f"{writer.url.database}-shm")

    def locked() -> int:
        number = f":{index.stat().st_ino} "
        return sum(number in line for line in Path("/proc/locks").read_text().splitlines())

    with reader.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM run")).scalar() == 1
        before = locked()
        assert known(watched).version == 1
        watched.close()
        assert (locked(), before > 0) == (before, True)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_without_a_log_is_never_behind_a_commit_either(writer: Engine, database_url: str) -> None:
    writer.dispose()
    with closing(sqlite3.connect(str(writer.url.database), isolation_level=None)) as other:
        assert other.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
        reader = open_reader(database_url)
        with closing(watch(reader)) as watched:
            first = known(watched)
            assert not Path(f"{writer.url.database}-shm").exists()
            other.execute(
                "INSERT INTO run SELECT 2, * FROM (SELECT {} FROM run WHERE id = 1)".format(
                    ", ".join(name for _, name, *_ in other.execute("PRAGMA table_info(run)") if name != "id")
                )
            )
            assert (first.version, known(watched).version) == (1, 2)
        reader.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_is_asked_again_after_a_quarter_of_a_second_and_nothing_is_told_meanwhile(
    watched: Watch, writer: Engine
) -> None:
    assert isinstance(watched, ServerWatch)
    assert known(watched).version == 1
    ingest(writer, [year("Wolf", 2015, 7)])
    time.sleep(AGE_SECONDS)
    seen = watched.now()
    assert seen is None or seen.version == 2
    assert known(watched).version == 2


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_server_that_cut_the_connection_is_asked_again(watched: Watch, writer: Engine) -> None:
    first = known(watched)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sightings-web'"
    with writer.connect() as connection:
        connection.execute(text(cut))
    time.sleep(2 * AGE_SECONDS)
    assert known(watched) is first


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_what_another_process_has_told_is_never_undercut(reader: Engine, writer: Engine) -> None:
    told = [0]
    watched = watch(reader, lambda: told[0])
    assert known(watched).version == 1
    told[0] = ingest(writer, [year("Wolf", 2015, 7)])
    seen = watched.now()
    assert seen is None or seen.version == told[0]
    assert known(watched).version == told[0]
    watched.close()
