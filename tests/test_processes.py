"""Several processes over one database that die at any moment, and one that lives long: what clients see."""

from __future__ import annotations

import gc
import os
import random
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from sqlalchemy import Engine

import config
from api.factory import close, create_app, create_server
from db.check import damage
from db.engine import LOOK
from db.models import Run, Sighting
from tests.files import ROOT, read, rows_of, table
from tests.seed import READING, ingest, open_database, year
from tests.test_end_to_end import SECONDS, below, children, serving

UNLIMITED = {"misses_per_minute": "0"}
FILES, ROWS = 40, 20
LOOP = """
    import sys, time
    from pathlib import Path
    from db.engine import open_writer
    from tests.files import read

    writer = open_writer(sys.argv[1])
    for path in sorted(Path(sys.argv[2]).iterdir()):
        read(writer, path, feed="loop")
"""
URLS = (
    "/api/v1/version",
    "/api/v1/reports/timeline.svg?species=lynx&interval=month",
    "/api/v1/reports/summary.json",
    "/api/v1/reports/species.csv?limit=5",
)


@dataclass
class Client:
    """Somebody who asks again and again, and notes what should not have been."""

    addresses: tuple[str, ...]
    seed: int
    wrong: list[str] = field(default_factory=list)
    seen: Counter[int | str] = field(default_factory=Counter)
    version: int = 0
    tags: dict[str, str] = field(default_factory=dict)

    def ask_until(self, stop: threading.Event) -> None:
        dice = random.Random(self.seed)
        while not stop.is_set():
            url = dice.choice(URLS)
            headers = {"If-None-Match": self.tags[url]} if url in self.tags and dice.random() < 0.5 else {}
            try:
                answer = requests.get(dice.choice(self.addresses) + url, headers=headers, timeout=SECONDS)
            except requests.RequestException:  # of a process that was killed with our request in its hands
                self.seen["cut"] += 1
                time.sleep(0.05)
                continue
            self.seen[answer.status_code] += 1
            self.look_at(url, answer)

    def look_at(self, url: str, answer: requests.Response) -> None:
        if answer.status_code == 503:
            if not answer.headers.get("Retry-After"):
                self.wrong.append(f"{url}: 503 without Retry-After")
            time.sleep(0.1)
            return
        if answer.status_code not in (200, 304):
            self.wrong.append(f"{url}: {answer.status_code} {answer.text[:200]}")
            return
        version = int(answer.headers["X-Data-Version"])
        if version < self.version:
            self.wrong.append(f"{url}: version {version} after {self.version}")
        self.version = version
        self.tags[url] = answer.headers["ETag"]


@contextmanager
def asking(*addresses: str, clients: int = 3) -> Iterator[list[Client]]:
    """Clients that ask while the block runs; afterwards none of them has met anything wrong."""
    stop = threading.Event()
    found = [Client(addresses, number) for number in range(clients)]
    threads = [threading.Thread(target=client.ask_until, args=[stop]) for client in found]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        stop.set()
        for thread in threads:
            thread.join(2 * SECONDS)
    assert [wrong for client in found for wrong in client.wrong] == []
    assert all(client.seen[200] > 0 for client in found)


@pytest.fixture
def folder(tmp_path: Path, soak: bool) -> Path:
    """Files of records that overlap: of each record of the file before, half come again with a new count."""
    for number in range(FILES * 4 if soak else FILES):
        rows = [
            f"{number * ROWS // 2 + row},2024-{number % 12 + 1:02}-{row + 1:02},Lynx,{number}"
            for row in range(ROWS)
        ]
        table(tmp_path / "in" / f"{number:04}.csv", "occurrenceID,date,species,count", *rows)
    return tmp_path / "in"


def ingester(url: str, folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-c", textwrap.dedent(LOOP), url, str(folder)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)


def kill(process: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@pytest.mark.skipif(sys.platform != "linux", reason="finds the processes of a server with ps")
def test_whoever_is_killed_no_client_meets_an_error_or_an_older_version_and_nothing_is_lost(
    home: Path, folder: Path, soak: bool
) -> None:
    url = f"sqlite:///{home / 'sightings.db'}"
    writer = open_database(url)
    ingest(writer, READING)
    dice, killed = random.Random(5), Counter[str]()
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up", **UNLIMITED) as (server, address):
        loop = ingester(url, folder)
        with asking(address):
            until = time.monotonic() + (60 if soak else 8)
            while time.monotonic() < until:
                time.sleep(dice.uniform(0.3, 1.5))
                mains = children(server.pid)
                workers = [one for one in below(server.pid) if one not in mains]
                who = dice.choice(["worker", "ingest", "ingest", "server" if soak else "worker"])
                if who == "ingest":
                    kill(loop.pid)
                    loop.wait()
                    loop = ingester(url, folder)
                elif who == "server" and mains:
                    kill(dice.choice(mains))
                elif workers:
                    kill(dice.choice(workers))
                killed[who] += 1
            kill(loop.pid)
            loop.wait()
            read(writer, folder, feed="loop")
            version = max(row.id for row in rows_of(writer, Run.id, Run.changed) if row.changed)
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                with suppress(requests.RequestException):
                    told = requests.get(f"{address}/api/v1/version", timeout=SECONDS)
                    if told.status_code == 200 and told.json()["dataVersion"] == version:
                        break
                time.sleep(0.1)
        final = requests.get(f"{address}/api/v1/reports/summary.json", timeout=SECONDS).json()
        assert final["meta"]["dataVersion"] == version
    assert len(killed) >= 2
    with writer.connect().execution_options(**LOOK) as connection:
        assert damage(connection) == []
    twin = open_database(f"sqlite:///{home / 'twin.db'}")
    ingest(twin, READING)
    read(twin, folder, feed="loop")
    assert current(writer) == current(twin)


def current(writer: Engine) -> list[tuple[str, float | None, int | None]]:
    """The records that stand, without what tells when they came."""
    found = rows_of(
        writer, Sighting.occurrence_id, Sighting.individual_count, Sighting.first_day, Sighting.retired_run
    )
    return sorted((str(row[0]), row[1], row[2]) for row in found if row.retired_run is None)


def test_clients_of_two_servers_see_a_commit_at_once_and_none_goes_back(home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    alone = ("--workers", "1", "--no-scheduler", "--no-warm-up")
    with serving(home, *alone, **UNLIMITED) as (_, one), serving(home, *alone, **UNLIMITED) as (_, other):
        with asking(one, other):
            for number in range(5):
                run = ingest(writer, [year("Deer", 2022, number)])
                committed = time.monotonic()
                for address in (one, other):
                    while (
                        requests.get(f"{address}/api/v1/version", timeout=SECONDS).json()["dataVersion"] < run
                    ):
                        assert time.monotonic() - committed < 2
                for address in (one, other):
                    answer = requests.get(f"{address}/api/v1/reports/timeline.json?v={run}", timeout=SECONDS)
                    assert (answer.status_code, answer.headers["X-Data-Version"]) == (200, str(run))
                time.sleep(0.2)
        bodies = {requests.get(address + URLS[2], timeout=SECONDS).content for address in (one, other)}
        assert len(bodies) == 1


def held() -> dict[str, int]:
    """What this process has and a leak would add to."""
    gc.collect()
    return {
        "files": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "temporary files": len(list(Path(tempfile.gettempdir()).iterdir())),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_starting_and_ending_it_many_times_leaves_nothing_behind(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    settings = config.load({"SIGHTINGS_HOME": str(home)})

    def once() -> None:
        app = create_app(settings)
        for url in URLS:
            assert app.test_client().get(url).status_code == 200
        close(app)
        server = create_server(settings)
        assert server._watch.now() is not None
        server.__rsgi_del__(None)

    for _ in range(3):
        once()
    before = held()
    for _ in range(50 if soak else 12):
        once()
    after = held()
    assert {what: amount for what, amount in after.items() if amount > before[what]} == {}


@pytest.mark.skipif(sys.platform != "linux", reason="counts open files in /proc")
def test_drawing_and_ingesting_for_long_takes_no_more_of_anything(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, soak: bool
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    app = create_app(config.load({"SIGHTINGS_HOME": str(home), "SIGHTINGS_MISSES_PER_MINUTE": "0"}))

    def once(number: int) -> None:
        rows = [f"{number}-{row},2024-05-{row + 1:02},Lynx,{number}" for row in range(5)]
        read(writer, table(tmp_path / "in" / "a.csv", "occurrenceID,date,species,count", *rows), feed="f")
        for url in URLS:
            assert app.test_client().get(url).status_code == 200

    for number in range(4):
        once(number)
    before = held()
    for number in range(4, 200 if soak else 24):
        once(number)
    after = held()
    assert {what: amount for what, amount in after.items() if amount > before[what]} == {}
    close(app)
