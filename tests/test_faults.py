"""A full disk, a reader that stays, a kill: what was there is served, and the next run works."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from db.check import damage
from db.engine import LARGE_LOG, LOOK, open_reader
from db.models import Run
from db.questions import ledger
from db.undo import undo
from tests.files import ROOT, environment, image, per, read_one, rows_of, sums, table, version
from tests.seed import Record, ingest, open_app
from tests.test_kill import killed

HEAD = "occurrenceID,date,species,count,note"
ROWS = [f"{number},2024-05-{number % 28 + 1:02},Lynx,1,{'x' * 100}" for number in range(4_000)]


def pages(writer: Engine, more: int | None) -> None:
    """Let the database grow by so many pages only, from the next connection on."""
    if more is None:
        event.remove(writer, "connect", _LIMITS.pop(writer))
        return
    with closing(sqlite3.connect(writer.url.database or "")) as connection:
        (now,) = connection.execute("PRAGMA page_count").fetchone()

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute(f"PRAGMA max_page_count={now + more}")

    _LIMITS[writer] = limit
    event.listen(writer, "connect", limit)


_LIMITS: dict[Engine, object] = {}


@pytest.mark.parametrize("more", [0, 20])
def test_a_full_disk_fails_the_run_and_the_next_one_works(
    sqlite_writer: Engine, home: Path, tmp_path: Path, more: int
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *ROWS[:50]), feed="f")
    app = open_app(home, cache_url="off")
    before = app.test_client().get("/api/v1/reports/timeline.csv").data
    large = table(tmp_path / "large.csv", HEAD, *ROWS)
    pages(sqlite_writer, more)
    outcome = read_one(sqlite_writer, large, feed="f")
    assert (outcome.status, "full" in outcome.message) == ("failed", True)
    answer = app.test_client().get("/api/v1/reports/timeline.csv")
    assert (answer.status_code, answer.data) == (200, before)
    pages(sqlite_writer, None)
    with sqlite_writer.connect().execution_options(**LOOK) as connection:
        assert damage(connection) == []
    assert sums(read_one(sqlite_writer, large, feed="f")) == (4000, 3950, 0, 50, 0)
    statuses = {row.status for row in rows_of(sqlite_writer, Run.id, Run.status)}
    assert statuses <= {"committed", "failed", "abandoned"}
    app.extensions["sightings"].reader.dispose()


def test_no_room_for_temporary_files_fails_the_run_and_the_next_one_works(home: Path, tmp_path: Path) -> None:
    """No file may grow beyond a megabyte, whoever writes it: the log, the database, a temporary file."""
    code = """
        import resource, signal, sys
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
        import manage
        sys.argv = ["manage.py", "ingest", "--feed", "f", sys.argv[1]]
        manage.main()
    """
    from tests.files import here, manage_json

    here(home, "ingest", "--feed", "f", table(tmp_path / "a.csv", HEAD, *ROWS[:50]))
    large = table(tmp_path / "large.csv", HEAD, *(f"{row}{'y' * 400}" for row in ROWS))
    command = [sys.executable, "-c", textwrap.dedent(code), str(large)]
    done = subprocess.run(command, cwd=ROOT, env=environment(home), capture_output=True, text=True)
    assert (done.returncode, done.stderr.count("Traceback")) == (1, 0), done.stderr
    assert manage_json(home, "status")["records"] == 50
    assert here(home, "check").stdout == "Nothing is wrong.\n"
    (run,) = manage_json(home, "ingest", "--feed", "f", large)["runs"]
    assert (run["status"], run["read"]) == ("committed", 4000)


def test_a_reader_that_stays_blocks_no_ingest_and_the_log_is_cut_after_it(
    sqlite_writer: Engine, home: Path, tmp_path: Path
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *ROWS), feed="f")
    reader = open_reader(f"sqlite:///{home / 'sightings.db'}")
    app = open_app(home, cache_url="off")
    log = home / "sightings.db-wal"
    largest = 0
    with reader.begin() as held:
        held.exec_driver_sql("SELECT count(*) FROM run").fetchone()
        for number in range(20):
            ingest(sqlite_writer, [Record("Lynx", 20240101, None, number, f"{n}") for n in range(900)], "g")
            assert app.test_client().get("/api/v1/reports/summary.json").status_code == 200
            largest = max(largest, log.stat().st_size)
        assert held.exec_driver_sql("SELECT count(*) FROM run").scalar_one() == 1
    assert largest > LARGE_LOG
    read_one(sqlite_writer, table(tmp_path / "b.csv", HEAD, *ROWS[:5]), feed="f")
    assert not log.exists() or log.stat().st_size == 0
    reader.dispose()
    app.extensions["sightings"].reader.dispose()


def test_a_large_log_is_cut_as_soon_as_its_reader_has_ended(
    sqlite_writer: Engine, home: Path, tmp_path: Path
) -> None:
    """The reader ends while the ingester waits to cut the log: nobody has to come again for it."""
    reader = open_reader(f"sqlite:///{home / 'sightings.db'}")
    log = home / "sightings.db-wal"
    with reader.begin() as held:
        held.exec_driver_sql("SELECT count(*) FROM run").fetchone()
        path = table(tmp_path / "a.csv", HEAD, *(row + "y" * 3_000 for row in ROWS))
        thread = threading.Thread(target=lambda: read_one(sqlite_writer, path))
        thread.start()
        deadline = time.monotonic() + 30
        while version(sqlite_writer) == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert log.stat().st_size > LARGE_LOG
    thread.join()
    assert not log.exists() or log.stat().st_size == 0
    reader.dispose()


@pytest.mark.parametrize("point", ["before the rollups", "after the ledger of an undo"])
def test_a_killed_undo_leaves_what_was_there_and_the_next_one_completes_it(
    sqlite_writer: Engine, home: Path, tmp_path: Path, point: str
) -> None:
    read_one(sqlite_writer, table(tmp_path / "a.csv", HEAD, *ROWS[:30]), feed="f")
    there = per(sqlite_writer, "day")
    changed = [row.replace("Lynx", "Bear") for row in ROWS[10:40]]
    wrong = read_one(sqlite_writer, table(tmp_path / "b.csv", HEAD, *changed), feed="f")
    before = image(sqlite_writer)
    killed(home, point, "undo", str(wrong.run))
    assert image(sqlite_writer) == before
    undo(sqlite_writer, wrong.run or 0)
    assert per(sqlite_writer, "day") == there
    with sqlite_writer.connect().execution_options(**LOOK) as connection:
        assert damage(connection) == []


KILLS = """
    import os, random, signal, sqlite3, sys, time
    from contextlib import closing
    from db.engine import open_writer, shrink_log
    from db.undo import undo
    from tests.seed import Record, ingest

    writer = open_writer(sys.argv[1])

    def work(number):
        rows = [Record("Lynx", 20240101 + n % 28, None, number, f"{number % 3}-{n}") for n in range(60)]
        run = ingest(writer, rows)
        shrink_log(writer)
        if number % 2:
            undo(writer, run)

    work(1)  # what is compiled once is there for every child
    dice = random.Random(8)
    for _ in range(30):
        child = os.fork()
        number = os.getpid()
        while not child:
            number += 1
            work(number)
        time.sleep(dice.uniform(0.02, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        with closing(sqlite3.connect(sys.argv[1].removeprefix("sqlite:///"))) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (rows,) = connection.execute("SELECT count(*) FROM sighting").fetchone()
            told = "SELECT coalesce(sum(inserted + updated + restored), 0) FROM run"
            assert connection.execute(told).fetchone() == (rows,)
"""


def test_killed_thirty_times_in_a_row_the_file_is_sound_and_holds_what_the_ledger_says(
    sqlite_writer: Engine, home: Path
) -> None:
    """In transactions and in checkpoints: a child commits, checkpoints and undoes until it is killed."""
    command = [sys.executable, "-c", textwrap.dedent(KILLS), f"sqlite:///{home / 'sightings.db'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with sqlite_writer.connect().execution_options(**LOOK) as connection:
        assert damage(connection) == []
        assert len(ledger.runs(connection, limit=1_000)) > 10
