"""A copy of a database in use is whole, or there is none; and it can be served in the place of the other."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import requests
from flask import Flask
from sqlalchemy import Engine

from db import schema
from db.backup import BackupFailed, backup
from db.check import damage
from db.engine import LOOK, open_writer
from db.lock import Locked, only_ingester
from db.models import Run
from db.restore import RestoreFailed, restore
from tests.files import ROOT, environment, here, manage, rows_of, version
from tests.seed import READING, ingest, open_app, open_database, year
from tests.test_end_to_end import SECONDS, serving, until
from tests.test_file import without_rights
from tests.test_kill import killed

CHARTS = (
    "/api/v1/reports/timeline.svg?species=deer&species=lynx",
    "/api/v1/reports/species.json",
    "/api/v1/reports/summary.csv",
)


@pytest.fixture
def writer(home: Path) -> Engine:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    return writer


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def sightings(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM sighting").fetchone()[0])


@contextmanager
def served(home: Path, **settings: str) -> Iterator[Flask]:
    app = open_app(home, **settings)
    yield app
    app.extensions["sightings"].reader.dispose()


def drawn(home: Path) -> dict[str, bytes]:
    """Each chart as a server on this home draws it."""
    with served(home, cache_url="off") as app:
        return {url: app.test_client().get(url).data for url in CHARTS}


def test_a_copy_made_while_an_ingest_loops_is_one_version_and_draws_the_same_charts(
    writer: Engine, home: Path, tmp_path: Path
) -> None:
    drawn_at: dict[int, dict[str, bytes]] = {1: drawn(home)}
    enough = threading.Event()

    def go_on() -> None:
        for number in range(200):
            run = ingest(writer, [year("Lynx", 2010 + number % 12, number) for _ in range(50)])
            drawn_at[run] = drawn(home)
            if enough.is_set():
                return

    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for number in range(4):
            time.sleep(0.15)
            other = tmp_path / f"other-{number}"
            other.mkdir()
            count = backup(url_of(home / "sightings.db"), other / "sightings.db")
            copy = open_writer(url_of(other / "sightings.db"))
            runs = rows_of(copy, Run.id, Run.inserted)
            assert count == sum(row.inserted for row in runs) == sightings(other / "sightings.db")
            with copy.connect().execution_options(**LOOK) as connection:
                assert damage(connection) == []
            there = version(copy)
            assert there == max(row.id for row in runs)
            assert until(lambda there=there: there in drawn_at, 10)
            assert drawn(other) == drawn_at[there]
    finally:
        enough.set()
        thread.join()
    assert len(drawn_at) > 4


@pytest.mark.parametrize("point", ["before a copy is checked", "before a copy has its name"])
def test_a_copy_that_is_killed_has_no_name_and_the_next_one_works(
    writer: Engine, home: Path, tmp_path: Path, point: str
) -> None:
    target = tmp_path / "copy.db"
    killed(home, point, "db", "backup", target)
    assert not target.exists()
    assert manage(home, "db", "backup", target).returncode == 0
    assert sightings(target) == len(READING)
    assert [path.name for path in tmp_path.iterdir() if path != home] == ["copy.db"]


def test_a_copy_that_is_broken_off_leaves_nothing(
    writer: Engine, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(_path: Path) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("db.backup.checked", stop)
    with pytest.raises(KeyboardInterrupt):
        backup(url_of(home / "sightings.db"), tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == [home]


def test_a_copy_onto_a_full_disk_fails_and_leaves_nothing(writer: Engine, home: Path, tmp_path: Path) -> None:
    """No file may grow beyond 100 kB; the database is three times as large."""
    code = """
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
        import manage
        sys.argv = ["manage.py", "db", "backup", sys.argv[1]]
        manage.main()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "copy.db")]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
    assert "could not be copied" in done.stderr
    assert list(tmp_path.iterdir()) == [home]


@pytest.mark.skipif(sys.platform != "linux", reason="takes root's rights away with setpriv")
def test_a_copy_into_a_folder_that_cannot_be_written_fails_in_one_sentence(
    writer: Engine, home: Path, tmp_path: Path
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    for folder in (closed, tmp_path / "nowhere"):
        words = [sys.executable, str(ROOT / "manage.py"), "db", "backup", str(folder / "copy.db")]
        done = subprocess.run(
            [*without_rights(), *words], env=environment(home), capture_output=True, text=True
        )
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1), done.stderr
        assert "could not be copied" in done.stderr
    assert list(closed.iterdir()) == []


def test_a_database_that_is_damaged_is_not_copied(home: Path, tmp_path: Path) -> None:
    path = home / "sightings.db"
    path.write_bytes(b"garbage " * 10_000)
    with pytest.raises(BackupFailed, match="file is not a database"):
        backup(url_of(path), tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == [home]


def test_what_is_restored_is_served_by_the_server_that_runs_and_numbers_go_on(
    writer: Engine, home: Path, tmp_path: Path
) -> None:
    """Version 2 was seen; after the restore there is never another version 2."""
    copy = tmp_path / "copy.db"
    before = drawn(home)
    backup(url_of(home / "sightings.db"), copy)
    ingest(writer, [year("Deer", 2022, 5)])
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (_, address):

        def got(url: str) -> requests.Response:
            return requests.get(address + url, timeout=SECONDS, headers={"Connection": "close"})

        tags = {url: got(url).headers["ETag"] for url in CHARTS}
        assert got("/api/v1/version").json()["dataVersion"] == 2
        assert here(home, "db", "restore", copy).returncode == 0
        time.sleep(1.2)  # a worker may answer from its memory until it has looked which file lies there
        for url in CHARTS:
            for _ in range(6):
                answer = got(url)
                assert (answer.status_code, answer.content) == (200, before[url])
                assert answer.headers["ETag"] != tags[url]
        with open_writer(url_of(home / "sightings.db")).connect().execution_options(**LOOK) as connection:
            assert damage(connection) == []
        assert ingest(open_writer(url_of(home / "sightings.db")), [year("Deer", 2022, 6)]) == 3
        assert got("/api/v1/version").json()["dataVersion"] == 3
    assert sightings(copy) == len(READING)
    (aside,) = home.glob("sightings.db.replaced-*Z")
    assert sightings(aside) == len(READING) + 1


POINTS = (
    "before a restored file is ready",
    "before the old file is moved aside",
    "after the old file was moved aside",
    "before the restored file has its name",
    "after a restore",
)


@pytest.mark.parametrize("point", POINTS)
def test_a_restore_that_is_killed_leaves_both_and_the_next_one_works(
    writer: Engine, home: Path, tmp_path: Path, point: str
) -> None:
    copy = tmp_path / "copy.db"
    before = drawn(home)
    backup(url_of(home / "sightings.db"), copy)
    ingest(writer, [year("Deer", 2022, 5)])
    killed(home, point, "db", "restore", copy)
    whole = [path for path in home.glob("sightings.db*") if path.suffix not in (".lock", ".restoring")]
    counts = {sightings(path) for path in whole if not path.name.endswith(("-wal", "-shm"))}
    assert len(READING) + 1 in counts
    assert sightings(copy) == len(READING)
    assert manage(home, "db", "restore", copy).returncode == 0
    assert drawn(home) == before
    assert ingest(open_writer(url_of(home / "sightings.db")), [year("Deer", 2022, 6)]) == 3
    assert not (home / "sightings.db.restoring").exists()


def test_a_restore_brings_an_older_database_to_this_schema(home: Path, tmp_path: Path) -> None:
    from alembic import command

    copy = tmp_path / "old.db"
    old = open_writer(url_of(copy))
    settings = schema._settings()
    with old.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
    assert restore(url_of(home / "sightings.db"), copy) == (0, None)
    assert schema.revision(open_writer(url_of(home / "sightings.db"))) == schema.head()
    assert schema.revision(old) == "0001"


def test_what_cannot_be_served_is_not_restored(writer: Engine, home: Path, tmp_path: Path) -> None:
    url = url_of(home / "sightings.db")
    other, newer, garbage = tmp_path / "other.db", tmp_path / "newer.db", tmp_path / "garbage.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE mine (id INTEGER)")
    with open_database(url_of(newer)).begin() as changed:
        changed.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    garbage.write_bytes(b"garbage " * 10_000)
    for copy, why in (
        (other, "no database of Sightings"),
        (newer, "of a newer Sightings"),
        (garbage, "cannot be read"),
        (tmp_path / "nothing.db", "There is no file"),
    ):
        with pytest.raises(RestoreFailed, match=why):
            restore(url, copy)
    backup(url, tmp_path / "copy.db")
    with only_ingester(writer), pytest.raises(Locked):
        restore(url, tmp_path / "copy.db")
    assert version(writer) == 1
    assert sightings(home / "sightings.db") == len(READING)


def test_a_server_answers_or_tells_to_ask_again_while_a_copy_is_put_in(
    writer: Engine, home: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy.db"
    backup(url_of(home / "sightings.db"), copy)
    seen: set[tuple[int, str | None]] = set()
    stop = threading.Event()
    with served(home) as app:

        def ask() -> None:
            while not stop.is_set():
                answer = app.test_client().get(CHARTS[1])
                seen.add((answer.status_code, answer.headers.get("Retry-After")))

        thread = threading.Thread(target=ask)
        thread.start()
        for _ in range(8):
            restore(url_of(home / "sightings.db"), copy)
        stop.set()
        thread.join()
        assert app.test_client().get(CHARTS[1]).status_code == 200
    assert seen <= {(200, None), (503, "5")}
    assert (200, None) in seen
