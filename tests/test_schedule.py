"""The scheduler, as a real process: the inbox, the feeds, being killed and being asked to end."""

from __future__ import annotations

import gc
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

import ingest.schedule.schedule
from db.engine import open_writer
from db.lock import only_ingester
from ingest.due import Due
from ingest.schedule.child import Child
from ingest.schedule.inbox import Inbox
from ingest.schedule.reading import Reader
from ingest.schedule.schedule import Schedule
from tests.files import here, manage, start, table

HEAD = "date,species"
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


def until(true: Callable[[], Any], seconds: float = 60) -> None:
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
    words = ["ps", "-o", "pid=", "--ppid", str(process.pid)]
    children = subprocess.run(words, capture_output=True, text=True).stdout.split()
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert (process.returncode, time.monotonic() - started < 10) == (0, True)
    assert len(children) == 1
    assert not Path(f"/proc/{children[0]}").exists()
    # Told at the most that it was stopped.
    assert all((one["status"], one["inserted"]) == ("failed", 0) for one in ledger(home))
    assert (home / "inbox" / "big.csv").exists()
    assert manage(home, "check").returncode == 0


DOES = """
import json, os, sys, time
calls, feed = sys.argv[1], sys.argv[sys.argv.index("--feed") + 1]
with open(calls, "a") as file:
    print(feed, time.monotonic(), file=file, flush=True)
if os.path.exists(calls + ".mended"):
    feed = "mended"
if feed == "raises":
    raise ValueError("of its own")
if feed == "memory":
    raise MemoryError
if feed == "leaves":
    sys.exit(0)
if feed == "hangs":
    time.sleep(60)
if feed == "slow":
    time.sleep(1.7)
    with open(calls, "a") as file:
        print("end", time.monotonic(), file=file)
status = "failed" if feed == "broken" else "unchanged"
print(json.dumps({"runs": [{"feed": feed, "status": status, "message": ""}]}))
"""
"""An ingest that does what its feed is called, and keeps a list of its calls."""


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    return tmp_path / "calls"


@pytest.fixture
def running(home: Path, calls: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Schedule]]:
    """Starts schedules of such ingests in threads of this process, and ends them."""
    monkeypatch.setattr(ingest.schedule.schedule, "_PULSE_SECONDS", 0.05)
    started: list[tuple[Schedule, threading.Thread]] = []

    def begin(*feeds: Due, deadline: float = 20, **more: Any) -> Schedule:
        child = Child([sys.executable, "-I", "-S", "-c", DOES, str(calls)], deadline)
        plan = Schedule(child, Inbox(home / "inbox"), feeds, 0.2, 0, **more)
        thread = threading.Thread(target=plan.run)
        thread.start()
        started.append((plan, thread))
        return plan

    yield begin
    for plan, thread in started:
        plan.stop()
        thread.join(20)
        assert not thread.is_alive()


def far(name: str, every: int = 1) -> Due:
    """A feed that is fetched, so that nothing here is looked at first."""
    return Due(name, f"https://{name}.example/", every)


def moments(calls: Path, name: str) -> list[float]:
    """When this feed was read, by the clock that nobody sets."""
    lines = calls.read_text().splitlines() if calls.exists() else []
    return [float(line.split()[1]) for line in lines if line.split()[0] == name]


@pytest.mark.parametrize("name", ["raises", "memory", "leaves", "hangs"])
def test_an_ingest_that_dies_is_told_and_tried_again(
    calls: Path, running: Callable[..., Schedule], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    running(far(name), deadline=0.5)
    until(lambda: len(moments(calls, name)) >= 2)
    until(lambda: f"the ingest of {name} " in caplog.text)
    reason = {
        "raises": "of its own",
        "memory": "MemoryError",
        "leaves": "code 0",
        "hangs": "longer than 0.5 s",
    }
    assert reason[name] in caplog.text


def test_a_fault_of_the_schedule_itself_is_logged_whole_and_tried_again(
    calls: Path,
    running: Callable[..., Schedule],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    faults = iter([RuntimeError("no threads left"), MemoryError(), SystemExit(1)])

    def faulty(*_: object) -> Any:
        fault = next(faults, None)
        if fault:
            raise fault
        return real(*_)

    real = Reader._read_url
    monkeypatch.setattr(Reader, "_read_url", faulty)
    running(far("good"))
    until(lambda: moments(calls, "good"))
    assert "RuntimeError: no threads left" in caplog.text
    assert "MemoryError" in caplog.text
    assert "SystemExit" in caplog.text


def test_an_ingest_longer_than_its_period_never_runs_twice_at_a_time_and_tells_what_was_missed(
    calls: Path, running: Callable[..., Schedule], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "sightings.schedule")
    running(far("slow"))
    until(lambda: len(moments(calls, "end")) >= 2)
    order = [line.split()[0] for line in calls.read_text().splitlines()]
    assert order[:4] == ["slow", "end", "slow", "end"]
    until(lambda: any('"missed": 1' in line for line in caplog.messages))


@pytest.mark.parametrize(
    "start",
    [
        datetime(2024, 5, 17, 12, tzinfo=UTC),
        datetime(2024, 3, 31, 0, 30, tzinfo=ZoneInfo("Europe/Oslo")),  # the hour from 2 to 3 is missing
        datetime(2024, 10, 27, 0, 30, tzinfo=ZoneInfo("Europe/Oslo")),  # and here it comes twice
    ],
    ids=["noon", "gap", "fold"],
)
def test_a_machine_that_slept_or_was_set_makes_up_once(
    calls: Path, running: Callable[..., Schedule], monkeypatch: pytest.MonkeyPatch, start: datetime
) -> None:
    ticks = []
    monkeypatch.setattr(Inbox, "ready", lambda *_: ticks.append(time.monotonic()) or {})

    def read_after(hours: float, expected: int) -> int:
        before = len(moments(calls, "hourly"))
        clock.shift(timedelta(hours=hours))
        until(lambda: len(moments(calls, "hourly")) >= before + expected)
        time.sleep(0.6)
        return len(moments(calls, "hourly")) - before

    with time_machine.travel(start, tick=True) as clock:
        last = {"hourly": {"startedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}}
        running(far("hourly", 3600), last=last)
        for hours, expected in [(0, 0), (0.5, 0), (3, 1), (0, 0), (-2, 0), (1.1, 1), (1.1, 1)]:
            assert read_after(hours, expected) == expected, hours
    assert len(ticks) < 6 * (time.monotonic() - ticks[0]) + 10  # five a second, and one after each jump


def test_a_feed_that_is_broken_waits_longer_and_longer_and_the_other_keeps_its_period(
    calls: Path, running: Callable[..., Schedule]
) -> None:
    running(far("broken"), far("good"))
    until(lambda: len(moments(calls, "broken")) >= 5)
    tried = moments(calls, "broken")
    gaps = [later - earlier for earlier, later in pairwise(tried)]
    assert all(gap > 0.2 * 2**number - 0.1 for number, gap in enumerate(gaps))
    assert len(moments(calls, "good")) >= tried[-1] - tried[0] - 2
    Path(f"{calls}.mended").touch()
    until(lambda: len(moments(calls, "broken")) >= 9)
    assert all(later - earlier < 3 for earlier, later in pairwise(moments(calls, "broken")[-3:]))


def test_ten_thousand_looks_at_what_does_not_change_leave_nothing_behind(home: Path, calls: Path) -> None:
    file = table(home / "birds" / "a.csv", HEAD, "2024-05-01,Lynx")
    os.utime(file, (time.time() - 60,) * 2)
    birds = Due("birds", str(home / "birds"))
    child = Child([sys.executable, "-I", "-S", "-c", DOES, str(calls)], 20)
    plan = Schedule(child, Inbox(home / "inbox"), [birds], 30, 1)

    def looks(number: int) -> tuple[int, int, int]:
        for _ in range(number):
            plan._reader.read_inbox()
            plan._read_feed(birds)
            plan._follow_clock()
            plan._follow_settings()
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return (
            pages * os.sysconf("SC_PAGESIZE"),
            len(list(Path("/proc/self/fd").iterdir())),
            threading.active_count(),
        )

    memory, descriptors, threads = looks(1000)
    after = looks(10_000)
    assert after[0] - memory < 2 << 20
    assert after[1:] == (descriptors, threads)
    assert len(moments(calls, "birds")) == 1


def log_of(process: subprocess.Popen[str]) -> list[str]:
    """The lines that it logs, as they come."""
    lines: list[str] = []

    def collect() -> None:
        for line in process.stderr or ():
            lines.append(line)  # noqa: PERF402 - they come one by one

    threading.Thread(target=collect, daemon=True).start()
    return lines


def test_settings_that_change_are_followed_and_bad_ones_are_not(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    first = table(home / "a.csv", HEAD, "2024-05-01,Lynx")
    second = table(home / "b.csv", HEAD, "2024-05-02,Wolf")
    told = {"config": settings(home, first, "1s")}
    log = log_of(schedule(**told))

    def change(*words: object) -> None:
        followed = sum("the settings have changed" in line for line in log)
        assert here(home, "feeds", *words, **told).returncode == 0
        until(lambda: sum("the settings have changed" in line for line in log) > followed)

    until(lambda: len(ledger(home)) == 1)
    change("add", "second", second, "--every", "1s")
    until(lambda: [run["feed"] for run in ledger(home)] == ["birds", "second"])
    change("pause", "second")
    table(second, HEAD, "2024-05-02,Wolf", "2024-05-03,Wolf")
    good = (home / "sightings.toml").read_text()
    (home / "sightings.toml").write_text(good.replace('every = "1s"', 'every = "soon"'))
    until(lambda: any("the feeds stay as they were" in line for line in log))
    table(first, HEAD, "2024-05-01,Lynx", "2024-05-04,Lynx")
    until(lambda: len(ledger(home)) == 3)
    (home / "sightings.toml").write_text(good)
    change("pause", "--off", "second")
    until(lambda: len(ledger(home)) == 4)
    change("remove", "birds")
    table(first, HEAD, "2024-05-05,Lynx")
    time.sleep(3)
    assert [run["feed"] for run in ledger(home)] == ["birds", "second", "birds", "second"]
    (told_once,) = [line for line in log if "the feeds stay as they were" in line]
    assert ": every of feed 'birds' in " in told_once
    assert told_once.endswith("is 'soon', but must be a duration such as 30s, 10m, 2h or 1d.\n")
    runs = [json.loads(line.partition(" ingest ")[2]) for line in log if " ingest {" in line]
    assert [(run["feed"], run["inserted"], run["run"]) for run in runs] == [
        ("birds", 1, 1),
        ("second", 1, 2),
        ("birds", 1, 3),
        ("second", 1, 4),
    ]
    assert runs[0].keys() >= {"input", "status", "read", "duplicate", "rejected", "dataVersion", "seconds"}


def test_a_bad_schedule_is_refused_at_the_start_with_a_sentence(home: Path) -> None:
    (home / "sightings.toml").write_text('[[feeds]]\nname = "a"\npath = "a"\ncron = "61 6 * * *"\n')
    done = manage(home, "schedule")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(
        "Error: cron of feed 'a' in sightings.toml is '61 6 * * *', but must be five"
    )


def test_an_ingest_that_finds_another_one_running_says_so_once_and_waits(
    home: Path, schedule: Callable[..., subprocess.Popen[str]]
) -> None:
    assert manage(home, "db", "upgrade").returncode == 0
    writer = open_writer(f"sqlite:///{home / 'sightings.db'}")
    file = table(home / "birds.csv", HEAD, "2024-05-01,Lynx")
    with only_ingester(writer):
        log = log_of(schedule(config=settings(home, file, "1d")))
        until(lambda: any(" waits: " in line for line in log))
        time.sleep(3)
        assert ledger(home) == []
    until(lambda: len(ledger(home)) == 1)
    writer.dispose()
    (told,) = [line for line in log if " waits: " in line]
    assert f"birds waits: Another ingest is running (process {os.getpid()} on " in told
