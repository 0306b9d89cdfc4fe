"""One ingester at a time, whoever it is and however the last one ended."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert, text
from sqlalchemy.exc import OperationalError

from db import lock
from db.engine import open_writer
from db.lock import Locked, LockLost, only_ingester
from db.models import Feed
from db.schema import upgrade
from tests.files import ROOT, manage, rows_of, table, version

HOLD = """
    import sys, time
    from db.engine import open_writer
    from db.lock import only_ingester
    with only_ingester(open_writer(sys.argv[1])):
        print("held", flush=True)
        time.sleep(60)
"""


@pytest.fixture
def holder(writer: Engine, database_url: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    command = [sys.executable, "-c", textwrap.dedent(HOLD), database_url]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_a_second_ingest_ends_at_once_with_75_and_says_who_and_since_when(
    holder: subprocess.Popen[str], writer: Engine, database_url: str, home: Path
) -> None:
    file = table(home / "a.csv", "date,species", "2024-05-01,Lynx")
    started = time.monotonic()
    done = manage(home, "ingest", file, database_url=database_url)
    assert time.monotonic() - started < 10
    assert (done.returncode, done.stdout) == (75, "")
    told = re.fullmatch(
        r"Error: Another ingest is running \(process (\d+) on (.+), since (.+)\)\.\n", done.stderr
    )
    assert told, done.stderr
    assert int(told[1]) == holder.pid
    assert re.match(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", told[3])
    assert version(writer) == 0


def test_the_lock_of_a_killed_ingester_is_free_at_once(holder: subprocess.Popen[str], writer: Engine) -> None:
    with pytest.raises(Locked), only_ingester(writer):
        pass
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    deadline = time.monotonic() + 5  # PostgreSQL sees a moment later that its client is gone
    while True:
        try:
            with only_ingester(writer):
                return
        except Locked:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_the_lock_can_be_taken_again_and_again(writer: Engine) -> None:
    for _ in range(3):
        with only_ingester(writer):
            pass


def test_looking_does_not_wait_for_an_ingest_under_way(
    holder: subprocess.Popen[str], database_url: str, home: Path
) -> None:
    done = manage(home, "runs", "--json", database_url=database_url)
    assert done.returncode == 0, done.stderr


def test_without_the_lock_a_second_writer_waits_for_the_first_as_long_as_it_may(
    sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even then nobody is told "database is locked" before the time that a writer waits is over."""
    monkeypatch.setattr("db.engine.WRITER_WAITS_SECONDS", 1)
    impatient = open_writer(sqlite_writer.url.render_as_string())
    with sqlite_writer.begin() as first:
        first.exec_driver_sql("INSERT INTO feed (name, made_up) VALUES ('x', 0)")
        started = time.monotonic()
        with pytest.raises(OperationalError, match="locked"), impatient.begin():
            pass
        assert time.monotonic() - started >= 0.9
    with impatient.begin() as second:
        assert second.exec_driver_sql("SELECT count(*) FROM feed").scalar_one() == 1
    impatient.dispose()


def ended(writer: Engine, application: str) -> None:
    """The server ends the sessions of an ingester that are idle, as it does when the network is lost."""
    with writer.connect() as connection:
        found = text(
            "SELECT pg_terminate_backend(l.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE l.locktype = 'advisory' AND l.objid = :low AND a.application_name = :name"
        )
        low = lock._ADVISORY_KEY & 0xFFFFFFFF
        assert connection.execute(found, {"low": low, "name": application}).scalar_one()


def lose_the_lock_under_way(writer: Engine, other: Engine) -> None:
    with writer.begin() as connection:
        connection.execute(insert(Feed).values(name="lost", made_up=False))
        ended(other, f"sightings-ingest {os.getpid()}")
        with only_ingester(other), pytest.raises(Locked), other.begin():
            pass  # the lock is free, and the transaction of the first one is still open


def add_feed(writer: Engine, name: str) -> None:
    with writer.begin() as connection:
        connection.execute(insert(Feed).values(name=name, made_up=False))


def test_an_ingester_that_lost_its_lock_cannot_commit(postgresql_database: str) -> None:
    writer, other = open_writer(postgresql_database), open_writer(postgresql_database)
    upgrade(writer)
    with only_ingester(writer):
        with pytest.raises(LockLost, match="nothing was kept"):
            lose_the_lock_under_way(writer, other)
        with only_ingester(other):
            add_feed(other, "taken over")
            with pytest.raises(LockLost):
                add_feed(writer, "lost again")
    assert [row.name for row in rows_of(other, Feed.name)] == ["taken over"]
    with only_ingester(writer):
        add_feed(writer, "back")
