"""The scheduler, as a real process: the inbox, the feeds, being killed and being asked to end."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ingest.inbox import Inbox
from ingest.schedule import Due, Schedule
from tests.files import manage, start, table

HEAD = "date,species"
NOON = datetime(2024, 5, 17, 12, tzinfo=UTC)
QUICK = {"inbox_every": "1", "settle_seconds": "1"}


@pytest.fixture
def schedule(home: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts schedulers, and ends those that still run."""
    processes: list[subprocess.Popen[str]] = []

    def begin(**settings: str) -> subprocess.Popen[str]:
        processes.append(start(home, "schedule", **QUICK, **settings))
        return processes[-1]

    yield begin
    for process in processes:
        process.terminate()
        process.communicate(timeout=20)


def settings(home: Path, path: Path, every: str) -> str:
    """A file of settings with one feed."""
    file = home / "sightings.toml"
    file.write_text(f'[[feeds]]\nname = "birds"\npath = "{path}"\nevery = "{every}"\n')
    return str(file)


def ledger(home: Path) -> list[dict[str, Any]]:
    """The runs so far, oldest first; read past the command line, because it is asked again and again."""
    if not (home / "sightings.db").exists():
        return []
    with closing(sqlite3.connect(home / "sightings.db", timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        try:
            rows = connection.execute(
                "SELECT run.*, feed.name AS feed FROM run LEFT JOIN feed ON feed.id = feed_id ORDER BY run.id"
            )
            return [dict(row) for row in rows]
        except sqlite3.OperationalError:  # the schema is not there yet
            return []


def until(true: Callable[[], Any], seconds: float = 25) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_inbox_is_read_moved_and_what_fails_is_told(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    table(home / "inbox" / "park" / "good.csv", HEAD, "2024-05-01,Lynx")
    table(home / "inbox" / "park" / "bad.csv", "<html>502, Bad Gateway</html>")
    process = schedule()
    failed = home / "failed" / "park"
    until(lambda: (home / "done" / "park" / "good.csv").exists() and (failed / "bad.csv.reason.txt").exists())
    assert {(run["feed"], run["status"]) for run in ledger(home)} == {
        ("park", "committed"),
        ("park", "failed"),
    }
    assert "is a web page" in (failed / "bad.csv.reason.txt").read_text()
    assert (failed / "bad.csv").exists()
    assert not any(path.is_file() for path in (home / "inbox").rglob("*"))
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert time.monotonic() - started < 5


def test_a_file_that_is_written_slowly_is_ingested_once_and_whole(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    schedule()
    until(lambda: (home / "inbox").is_dir())
    slow = home / "inbox" / "slow.csv"
    with slow.open("w") as file:
        file.write(f"{HEAD}\n")
        for number in range(1, 13):
            file.write(f"2024-05-{number:02},Lynx\n")
            file.flush()
            time.sleep(0.3)
        assert ledger(home) == []
    until(lambda: (home / "done" / "slow.csv").exists())
    assert [(run["read"], run["inserted"]) for run in ledger(home)] == [(12, 12)]


def test_a_feed_is_read_again_only_when_something_in_it_changed(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    table(home / "birds" / "a.csv", HEAD, "2024-05-01,Lynx")
    schedule(config=settings(home, home / "birds", "1s"))
    until(lambda: len(ledger(home)) == 1)
    time.sleep(2.5)
    assert len(ledger(home)) == 1
    table(home / "birds" / "b.csv", HEAD, "2024-05-02,Lynx")
    until(lambda: len(ledger(home)) == 2)
    assert [(run["feed"], run["inserted"]) for run in ledger(home)] == [("birds", 1), ("birds", 1)]


def test_a_killed_scheduler_comes_back_with_its_schedule_and_makes_up_once(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    file = table(home / "birds.csv", HEAD, "2024-05-01,Lynx")
    told = settings(home, file, "1h")
    first = schedule(config=told)
    until(lambda: len(ledger(home)) == 1)
    first.kill()
    first.wait()
    second = schedule(config=told)
    until(lambda: (home / "inbox").is_dir())
    time.sleep(2)
    assert len(ledger(home)) == 1  # an hour has not gone by
    second.kill()
    second.wait()
    long_ago = (datetime.now(UTC) - timedelta(hours=7)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with closing(sqlite3.connect(home / "sightings.db")) as connection, connection:
        connection.execute("UPDATE run SET started_at = ?", (long_ago,))
    table(file, HEAD, "2024-05-01,Lynx", "2024-05-02,Lynx")
    os.utime(file, (time.time() - 60,) * 2)
    schedule(config=told)
    until(lambda: len(ledger(home)) == 2)
    time.sleep(2)
    assert [run["inserted"] for run in ledger(home)] == [1, 1]  # seven were missed, one is made up


def test_an_ingest_under_way_ends_with_its_scheduler_and_leaves_nothing_half_done(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    manage(home, "db", "upgrade")
    table(home / "inbox" / "big.csv", HEAD, *(f"2024-05-{n % 28 + 1:02},Animal {n}" for n in range(60_000)))
    process = schedule()
    until(lambda: (home / "sightings.db.lock").exists() and (home / "sightings.db.lock").stat().st_size)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - started < 10) == (0, True)
    assert [(run["status"], run["inserted"]) for run in ledger(home)] in ([], [("failed", 0)])
    assert (home / "inbox" / "big.csv").exists()
    assert manage(home, "check").returncode == 0


@pytest.mark.parametrize(
    ("every", "cron", "last", "first"),
    [
        (3600, None, None, NOON),
        (3600, None, NOON - timedelta(hours=7), NOON),
        (3600, None, NOON - timedelta(minutes=20), NOON + timedelta(minutes=40)),
        (None, "0 6 * * *", NOON - timedelta(days=3), NOON),
        (None, "0 6 * * *", NOON - timedelta(hours=2), NOON.replace(hour=6) + timedelta(days=1)),
        (None, "0 6 * * *", None, NOON),
    ],
)
def test_a_feed_is_due_at_once_if_it_is_overdue_and_else_in_its_time(
    every: int | None, cron: str | None, last: datetime | None, first: datetime
) -> None:
    due = Due("birds", "birds.csv", (), every, cron, last)
    assert abs(due.first(NOON) - first) <= timedelta(seconds=1)


FAKE = """
import json, os, pathlib, signal, sys, time
file = pathlib.Path(sys.argv[-1])
if file.name.startswith("kills"):
    os.kill(os.getpid(), signal.SIGKILL)
if file.name.startswith("hangs"):
    time.sleep(60)
if file.name.startswith("nothing"):
    sys.exit(1)
print(json.dumps({"runs": [{"input": str(file), "feed": "", "status": "committed", "message": ""}]}))
"""
"""An ingest that does to a file what the file is called."""


def rounds(home: Path, folder: str) -> Schedule:
    """A schedule over an inbox of files that are called so, to be told when to look."""
    for name in ("a.csv", "hangs.csv", "kills.csv", "nothing.csv", "z.csv"):
        os.utime(table(home / folder / name, HEAD), (time.time() - 60,) * 2)
    return Schedule([sys.executable, "-c", FAKE], Inbox(home / "inbox"), [], 30, 1, 2)


def test_a_file_that_breaks_its_ingest_stops_no_other_and_is_refused_the_second_time(home: Path) -> None:
    plan = rounds(home, "inbox")
    plan.read_inbox()
    inbox, done, failed = (home / name for name in ("inbox", "done", "failed"))
    assert sorted(file.name for file in done.iterdir()) == ["a.csv", "z.csv"]
    assert not failed.exists()
    plan.read_inbox()
    assert [file.name for file in inbox.iterdir()] == ["nothing.csv"]  # no fault of the file: it waits
    told = {name: (failed / f"{name}.csv.reason.txt").read_text() for name in ("hangs", "kills")}
    assert "took longer than 2 s" in told["hangs"]
    assert "ended with code -9 and no answer" in told["kills"]


def test_a_file_of_a_feed_that_breaks_its_ingest_twice_is_read_again_when_it_changes(home: Path) -> None:
    plan = rounds(home, "birds")
    for name in ("hangs.csv", "nothing.csv"):
        (home / "birds" / name).unlink()
    birds, killer = Due("birds", str(home / "birds"), ()), home / "birds" / "kills.csv"
    plan.read_feed(birds)
    assert sorted(file.name for file in plan._seen) == ["a.csv", "z.csv"]
    plan.read_feed(birds)
    given_up = plan._seen[killer]
    os.utime(killer, (time.time() - 30,) * 2)
    plan.read_feed(birds)
    plan.read_feed(birds)
    assert plan._seen[killer] != given_up
