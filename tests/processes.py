"""Real servers of ours, and the processes that they have started: what tests of `serve` stand on."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.files import start

SECONDS = 30


@contextmanager
def serving(home: Path, *words: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server on a free port; gives its process and its address, and ends it as an operator would."""
    server = start(home, "serve", "--port", "0", *words, **settings)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        yield server, address
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.communicate(timeout=SECONDS)


def until(holds: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Whether it came to hold in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


def schedulers(server: subprocess.Popen[str]) -> list[int]:
    """The schedule processes that this server has."""
    found = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(server.pid)], capture_output=True, text=True
    ).stdout
    return [
        int(line.split()[0]) for line in found.splitlines() if line.rstrip().endswith("manage.py schedule")
    ]


def children(process: int) -> list[int]:
    """The processes that this one started and that still run."""
    words = ["ps", "-o", "pid=,stat=", "--ppid", str(process)]
    lines = subprocess.run(words, capture_output=True, text=True).stdout.splitlines()
    return [int(line.split()[0]) for line in lines if not line.split()[1].startswith("Z")]


def below(process: int) -> list[int]:
    """The children of a process and theirs."""
    return [found for child in children(process) for found in (child, *below(child))]


def running(process: int) -> bool:
    """Whether it runs; one that has ended and was not buried yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/livez", timeout=SECONDS).status_code == 200
    except requests.ConnectionError:
        return False
