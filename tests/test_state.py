"""`manage.py status` tells people on call how all of it stands, whether a server runs or not."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine

from db.engine import LOOK
from db.lock import holder, only_ingester
from db.questions.ledger import ages
from db.sizes import sizes
from tests.conftest import free_port
from tests.files import ROOT, here, manage_json
from tests.seed import READING, Record, ingest
from tests.test_end_to_end import serving

FEEDS = """
[[feeds]]
name = "late"
path = "late.csv"
every = "1h"

[[feeds]]
name = "fresh"
path = "fresh.csv"
every = "1h"

[[feeds]]
name = "resting"
path = "resting.csv"
every = "1h"
paused = true

[[feeds]]
name = "new"
path = "new.csv"
every = "1h"
"""


def test_it_tells_how_old_the_last_run_of_each_feed_is_and_which_is_overdue(
    home: Path, sqlite_writer: Engine
) -> None:
    for number, feed in enumerate(("late", "fresh", "resting", "by hand")):
        ingest(sqlite_writer, [Record("Lynx", 20240501 + number)], feed)
    with sqlite_writer.begin() as connection:
        ago = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3 * 3600))
        set_back = f"UPDATE run SET started_at = '{ago}', finished_at = '{ago}' WHERE id IN (1, 3)"
        connection.exec_driver_sql(set_back)
        connection.exec_driver_sql("UPDATE run SET status = 'failed', message = 'It failed.' WHERE id = 2")
    (home / "sightings.toml").write_text(FEEDS)
    told = manage_json(home, "status", port=str(free_port()))
    feeds = told["feeds"]
    assert {name: one["overdue"] for name, one in feeds.items()} == {
        "late": True, "fresh": False, "resting": False, "by hand": None,
    }  # fmt: skip
    assert feeds["late"]["age"] == pytest.approx(3 * 3600, abs=120) == feeds["late"]["successAge"]
    assert (feeds["fresh"]["successAge"], feeds["resting"]["nextDue"]) == (None, None)
    assert told["neverRun"] == ["new"]
    shown = here(home, "status", port=str(free_port())).stdout
    for name, words in (("late", "OVERDUE"), ("fresh", "never"), ("resting", "paused"), ("new", "now")):
        assert words in next(line for line in shown.splitlines() if line.startswith(name))
    assert "fresh: It failed." in shown


def test_it_tells_of_the_database_the_cache_and_that_nobody_serves(home: Path, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    port = free_port()
    told = manage_json(home, "status", port=str(port))
    assert (told["dataVersion"], told["records"]) == (1, len(READING))
    assert told["database"] == {
        "kind": "sqlite",
        "bytes": (home / "sightings.db").stat().st_size,
        "logBytes": told["database"]["logBytes"],
    }
    assert told["cache"] == {
        "kind": "files", "entries": 0, "bytes": 0, "mostBytes": 256 << 20, "evictions": 0,
    }  # fmt: skip
    assert told["server"] == {"address": f"http://127.0.0.1:{port}", "answers": False}
    assert told["ingester"] is None
    assert "nobody answers at http://127.0.0.1:" in here(home, "status", port=str(port)).stdout


def test_it_tells_what_a_running_server_counted(home: Path, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        for _ in range(3):
            assert requests.get(f"{address}/api/v1/reports/timeline.svg", timeout=30).status_code == 200
        port = address.rpartition(":")[2]
        told = manage_json(home, "status", port=port)
        assert told["server"]["answers"] is True
        assert told["server"]["requests"]["render"] == 1
        assert (told["server"]["cacheFailures"], told["server"]["cacheResting"]) == (0, False)
        assert told["cache"]["entries"] == 1
        assert f"answers at {address}; " in here(home, "status", port=port).stdout


def test_it_tells_who_ingests_and_leaves_the_lock_alone(home: Path, sqlite_writer: Engine) -> None:
    with only_ingester(sqlite_writer):
        who = manage_json(home, "status", port=str(free_port()))["ingester"]
        assert who["pid"] == os.getpid()
        assert f"process {os.getpid()} on " in here(home, "status", port=str(free_port())).stdout
    with only_ingester(sqlite_writer):
        pass


def test_who_was_killed_ingests_no_longer(home: Path, sqlite_writer: Engine) -> None:
    script = (
        "import sys, time\nfrom db.engine import open_writer\nfrom db.lock import only_ingester\n"
        "with only_ingester(open_writer(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)"
    )
    words = [sys.executable, "-c", script, f"sqlite:///{home / 'sightings.db'}"]
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert (holding(sqlite_writer) or {})["pid"] == process.pid
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert (home / "sightings.db.lock").read_text()
    assert holding(sqlite_writer) is None


def holding(writer: Engine) -> dict[str, object] | None:
    with writer.connect().execution_options(**LOOK) as connection:
        return holder(connection)


def test_on_either_database_it_is_known_who_ingests_how_large_it_is_and_how_old_a_run(writer: Engine) -> None:
    assert holding(writer) is None
    ingest(writer, [Record("Lynx", 20240501)], "north")
    with writer.connect().execution_options(**LOOK) as connection:
        size, old = sizes(connection), ages(connection, datetime.now(UTC) + timedelta(seconds=90))
    assert size.database > 10_000
    assert (size.log is None) == (writer.dialect.name != "sqlite")
    assert 80 < old["north"].run == old["north"].success < 200
    with only_ingester(writer):
        assert str((holding(writer) or {})["pid"]) == str(os.getpid())
    assert holding(writer) is None
