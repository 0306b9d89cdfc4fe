"""An ingester that is told to stop does so soon, with nothing half done; the next tells of one that died."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from db import journal
from db.check import damage
from db.engine import LOOK
from db.models import Running
from db.store import Input
from tests.files import ROOT, here, image, manage, manage_json, read_one, rows_of, start, table

HEAD = "occurrenceID,date,species,count"
ROWS = [f"{number},2024-05-{number % 28 + 1:02},Lynx,{number}" for number in range(120_000)]


def under_way(home: Path, process: subprocess.Popen[str]) -> None:
    """Wait until the process has begun to read its input."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        try:
            with closing(sqlite3.connect(f"file:{home / 'sightings.db'}?mode=ro", uri=True)) as connection:
                if connection.execute("SELECT count(*) FROM running").fetchone() == (1,):
                    return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    pytest.fail("the ingest did not begin")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_an_ingest_soon_with_nothing_half_done(
    home: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    small = table(tmp_path / "small.csv", HEAD, *ROWS[:10])
    here(home, "ingest", small)
    large, never = table(tmp_path / "large.csv", HEAD, *ROWS), table(tmp_path / "never.csv", HEAD, *ROWS[:3])
    process = start(home, "ingest", large, never)
    under_way(home, process)
    time.sleep(0.3)
    process.send_signal(number)
    told_at = time.monotonic()
    _, told = process.communicate(timeout=20)
    assert time.monotonic() - told_at < 10
    assert (process.returncode, told.count("Traceback")) == (code, 0), told
    runs = manage_json(home, "runs")["runs"]
    assert [(run["status"], Path(run["input"]).name) for run in runs] == [
        ("failed", "large.csv"),
        ("committed", "small.csv"),
    ]
    assert f"was stopped by {number.name}" in runs[0]["message"]
    assert here(home, "check").stdout == "Nothing is wrong.\n"
    assert manage_json(home, "ingest", never)["runs"][0]["duplicate"] == 3


LONG = """
    import sys
    from db import stop
    from db.engine import open_writer
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT sum(n) FROM c"
    try:
        with stop.listening(), open_writer(sys.argv[1]).begin() as connection, stop.may_stop():
            print("begun", flush=True)
            connection.exec_driver_sql(endless)
    except BaseException as error:
        print(type(error).__name__, flush=True)
        sys.exit(7)
"""
DEAF = """
    import time
    from db import stop
    with stop.listening():
        print("begun", flush=True)
        while True:
            time.sleep(0.01)
"""


def child(code: str, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    time.sleep(0.2)
    return process


def test_a_signal_breaks_off_a_statement_that_takes_long(writer: Engine, database_url: str) -> None:
    with child(LONG, database_url) as process:
        process.terminate()
        assert process.wait(10) == 7


def test_a_second_signal_ends_a_process_that_cannot_stop_now() -> None:
    with child(DEAF) as process:
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


def test_an_input_whose_ingester_died_is_told_of_by_the_next(writer: Engine, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", HEAD, *ROWS[:10])
    read_one(writer, path)
    with writer.begin() as connection:
        journal.note(connection, Input("lost.csv", "north", "auto"))
    outcome = read_one(writer, path)
    assert (outcome.run, outcome.status) == (3, "unchanged")
    with writer.connect().execution_options(**LOOK) as connection:
        from db.questions.ledger import one_run

        lost: Any = one_run(connection, 2)
        assert damage(connection) == []
    assert (lost["status"], lost["input"], lost["feed"], lost["read"]) == (
        "abandoned",
        "lost.csv",
        "north",
        0,
    )
    assert lost["message"].startswith("process ")
    assert "died: nothing of it was kept" in lost["message"]
    assert rows_of(writer, Running.id) == []
    assert read_one(writer, path).run == 4


@pytest.mark.parametrize("fate", ["committed", "failed", "unchanged"])
def test_an_input_that_came_to_its_end_leaves_no_note(writer: Engine, tmp_path: Path, fate: str) -> None:
    path = table(tmp_path / "a.csv", HEAD, *ROWS[:10])
    if fate == "failed":
        path = table(tmp_path / "a.csv", "nothing,here", "1,2")
    if fate == "unchanged":
        read_one(writer, path)
    assert read_one(writer, path).status == fate
    assert rows_of(writer, Running.id) == []


def test_a_dry_run_notes_nothing(writer: Engine, tmp_path: Path) -> None:
    before = image(writer)
    read_one(writer, table(tmp_path / "a.csv", HEAD, *ROWS[:10]), dry_run=True)
    assert image(writer) == before
    assert rows_of(writer, Running.id) == []


def test_a_holder_that_is_frozen_keeps_the_lock_and_the_second_says_since_when(
    home: Path, tmp_path: Path
) -> None:
    large = table(tmp_path / "large.csv", HEAD, *ROWS)
    process = start(home, "ingest", large)
    under_way(home, process)
    process.send_signal(signal.SIGSTOP)
    try:
        second = manage(home, "ingest", large)
        assert second.returncode == 75
        assert f"process {process.pid} on " in second.stderr
        assert ", since 2" in second.stderr
    finally:
        process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0
    (run,) = manage_json(home, "runs")["runs"]
    assert (run["status"], run["inserted"]) == ("committed", len(ROWS))
