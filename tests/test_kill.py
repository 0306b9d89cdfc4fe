"""An ingest that is killed leaves "before" or "after", and the next one completes it."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine

from db import journal
from db.check import damage
from db.engine import open_writer
from db.lock import Locked
from db.store import Input
from tests.files import ROOT, environment, image, per, read_one, table
from tests.killed import POINTS

HEAD = "occurrenceID,date,species,count"
OLD = [f"{number},2024-05-{number:02},Lynx,{number}" for number in range(1, 31)]
NEW = [
    *(
        f"{number},2024-05-{number:02},Lynx,{number + number % 2}" for number in range(1, 31)
    ),  # half of them corrected
    *(f"{number},2024-06,Bear,1" for number in range(31, 71)),
    *("71,2024,Wolf,1", "71,2024,Wolf,2", "72,never,Wolf,1", "73,2024-07-01,,1"),
]


def killed(home: Path, point: str, *words: object, **settings: str) -> None:
    command = [sys.executable, "-m", "tests.killed", point, *map(str, words)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(home, **settings), capture_output=True, text=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize("point", [point for point in POINTS if "undo" not in point])
def test_a_killed_ingest_leaves_before_or_after_and_the_next_one_completes_it(
    sqlite_writer: Engine, home: Path, tmp_path: Path, point: str
) -> None:
    read_one(sqlite_writer, table(tmp_path / "old.csv", HEAD, *OLD))
    before = image(sqlite_writer)
    new = table(tmp_path / "new.csv", HEAD, *NEW)
    sqlite_writer.dispose()
    twin = open_writer(f"sqlite:///{shutil.copy(home / 'sightings.db', tmp_path / 'twin.db')}")
    if point != "after the commit":
        with twin.begin() as connection:  # the next ingest tells of the one that died
            journal.note(connection, Input(str(new), "", "auto"))
            journal.settle(connection)
    read_one(twin, new)
    after = image(twin)
    killed(home, point, "ingest", new)
    found = image(sqlite_writer)
    assert found == (after if point == "after the commit" else before)
    with sqlite_writer.begin() as connection:
        assert damage(connection) == []
    read_one(sqlite_writer, new)
    completed = image(sqlite_writer)
    assert completed[:4] == after[:4]
    assert ("abandoned" in [line[1] for line in completed.ledger]) is (point != "after the commit")
    if point != "after the commit":
        assert completed == after


@pytest.mark.parametrize("point", ["after new revisions are added", "before the commit", "after the commit"])
def test_in_postgresql_too(postgresql_database: str, home: Path, tmp_path: Path, point: str) -> None:
    from db.schema import upgrade

    writer = open_writer(postgresql_database)
    upgrade(writer)
    read_one(writer, table(tmp_path / "old.csv", HEAD, *OLD))
    before = image(writer)
    new = table(tmp_path / "new.csv", HEAD, *NEW)
    killed(home, point, "ingest", new, database_url=postgresql_database)
    assert (image(writer) == before) is (point != "after the commit")
    deadline = time.monotonic() + 5
    while True:  # the lock is free as soon as the server has seen that its client is gone
        try:
            read_one(writer, new)
            break
        except Locked:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    with writer.begin() as connection:
        assert damage(connection) == []
    odd = {("Lynx", 20240500 + n): float(n + n % 2) for n in range(1, 31)}
    assert per(writer, "day", "individuals") == odd
    assert per(writer, "total", "records") == {("Lynx", 0): 30, ("Bear", 0): 40, ("Wolf", 0): 1}


BUSY = """
    import sys
    from sqlalchemy import text
    from db.engine import open_writer
    from tests.seed import Record, ingest
    writer = open_writer(sys.argv[1])
    print("ready", flush=True)
    number = 0
    while True:
        number += 1
        names = [f"{number % 7}-{n}" for n in range(200)]
        rows = [Record("Lynx", 20240101 + n % 28, None, number, name) for n, name in enumerate(names)]
        ingest(writer, rows)
        with writer.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
"""


def test_killed_at_any_moment_the_file_is_sound_and_holds_what_the_ledger_says(
    sqlite_writer: Engine, home: Path
) -> None:
    url = f"sqlite:///{home / 'sightings.db'}"
    dice = random.Random(5)
    for _ in range(4):
        command = [sys.executable, "-c", textwrap.dedent(BUSY), url]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(dice.uniform(0.01, 0.5))
            process.kill()
        with closing(sqlite3.connect(home / "sightings.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (rows,) = connection.execute("SELECT count(*) FROM sighting").fetchone()
            (told,) = connection.execute("SELECT coalesce(sum(inserted + updated), 0) FROM run").fetchone()
            assert rows == told
        with sqlite_writer.begin() as connection:
            assert damage(connection) == []
    assert rows > 0
