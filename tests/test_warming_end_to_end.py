"""The warm-up as it runs beside a real server: what it makes after a real ingest, and how it lives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from api.warming.most_asked import most_asked
from tests.files import manage
from tests.seed import open_app
from tests.test_end_to_end import SECONDS, below, children, running, serving, until
from tests.test_warming import REPORTS, pictures

PATIENCE = 120.0
"""It has a low priority, and tests may run on a machine that is busy."""


def warmers(server: subprocess.Popen[str]) -> list[int]:
    return [child for child in children(server.pid) if b"warm" in words(child)]


def words(process: int) -> list[bytes]:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


@contextmanager
def looking(home: Path) -> Iterator[Callable[[str], bool]]:
    """Tells whether an address, and where it is the page's all of its pictures, are in the shared cache."""
    app = open_app(home)
    client = app.test_client()

    def make(*_: object) -> None:
        raise AssertionError("it is not")

    def kept(url: str) -> bool:
        try:
            urls = pictures(client) if url == "/" else [url]
            return {client.get(one).status_code for one in urls} == {200}
        except AssertionError:
            return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("api.answering.answers.make", make)
        patch.setattr("api.page._make", make)
        yield kept
    app.extensions["sightings"].reader.dispose()


def test_after_a_real_ingest_the_page_and_what_is_asked_most_are_kept_before_anybody_asks(
    home: Path, shared_data: Callable[[str], Path]
) -> None:
    butterflies, raccoons = shared_data("A01-inbo-butterflies"), shared_data("A02-inbo-raccoon-gbif")
    often, once = f"{REPORTS}seasonality.svg?measure=records", f"{REPORTS}seasonality.svg?width=500"
    assert manage(home, "ingest", butterflies).returncode == 0
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (server, address):
        assert warmers(server) == []
        for url in (often, f"{often}&v=1", once):
            assert requests.get(address + url, timeout=SECONDS).status_code == 200
    # A server that is told to stop writes what it was asked since the last minute.
    assert most_asked(home / "asked") == [often]
    with serving(home, "--workers", "1", "--no-scheduler"), looking(home) as kept:
        assert until(lambda: kept("/"), PATIENCE)
        assert manage(home, "ingest", raccoons).returncode == 0
        assert until(lambda: kept("/") and kept(often), PATIENCE)
        assert not kept(once)


def the_warmer(server: subprocess.Popen[str]) -> int:
    """Its process, which becomes another program while it starts."""
    found: list[list[int]] = [[]]
    assert until(lambda: len(found.append(warmers(server)) or found[-1]) == 1)
    return found[-1][0]


def test_a_warm_up_that_dies_is_started_again_and_ends_with_the_server(home: Path) -> None:
    with serving(home, "--workers", "1", "--no-scheduler") as (server, _):
        first = the_warmer(server)
        os.kill(first, signal.SIGKILL)
        assert until(lambda: warmers(server) not in ([], [first]))
        started = below(server.pid)
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) == 0
        assert not any(map(running, started))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of another process")
def test_it_gives_way_to_other_processes(home: Path) -> None:
    with serving(home, "--workers", "1", "--no-scheduler") as (server, _):
        assert until(lambda: [os.getpriority(os.PRIO_PROCESS, one) for one in warmers(server)] == [5])
        warmer = the_warmer(server)
        group = Path(f"/proc/{warmer}/autogroup")
        if group.exists():
            assert until(lambda: group.read_text().endswith("nice 5\n"))
