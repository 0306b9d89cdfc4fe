"""Programs that are measured: started with a home of their own, waited for, and ended whatever happens."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO
from urllib.parse import urlsplit

from bench.row import NotMeasured

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
MANAGE = (PYTHON, str(ROOT / "manage.py"))
_LONGEST = 300.0
_LONGEST_START = 30.0
_GRACE = 10.0


@dataclass(frozen=True)
class Spent:
    """What a finished command took."""

    seconds: float
    """By the clock."""
    peak_megabytes: float
    """The most memory that it held at once; a MB is a million bytes."""


def end_as_if_interrupted() -> None:
    """Let SIGTERM and SIGHUP unwind the stack as Ctrl-C does, so that nothing is left behind."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGHUP, leave)


@contextmanager
def home() -> Iterator[Path]:
    """A folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="sightings-bench-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def environment(folder: Path) -> dict[str, str]:
    """This process's environment with Sightings' own settings replaced: all is written in the folder."""
    settings = folder / "bench.toml"
    settings.touch()
    # What Python has compiled is kept, as it is wherever people run this.
    left_out = ("SIGHTINGS_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    # It is one client that asks for everything here.
    ours = {
        "SIGHTINGS_HOME": str(folder),
        "SIGHTINGS_CONFIG": str(settings),
        "SIGHTINGS_MISSES_PER_MINUTE": "0",
    }
    return kept | ours | {"PYTHONPATH": str(ROOT)}


@contextmanager
def running(
    words: Sequence[str], folder: Path, *, stdin: int | None = None, stdout: int | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A program for as long as the block lasts; what it says goes into a file that ``said`` reads."""
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            words,
            cwd=ROOT,
            env=environment(folder),
            stdin=stdin if stdin is not None else subprocess.DEVNULL,
            stdout=stdout if stdout is not None else said,
            stderr=said,
            start_new_session=True,  # its own children end with it
        )
    try:
        yield process
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_GRACE)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with suppress(OSError):
                stream.close()


def said(folder: Path) -> str:
    """The last words of what ran in this folder, on one line."""
    text = (folder / "said").read_text(encoding="utf-8", errors="replace").strip()
    return text.rpartition("\n")[2][-200:] or "it said nothing"


def run(words: Sequence[str], folder: Path, input_: IO[bytes] | None = None) -> Spent:
    """Run a command to its end. Raises NotMeasured where it fails or takes longer than five minutes."""
    started = time.perf_counter()
    with running(words, folder, stdin=input_.fileno() if input_ else None) as process:
        watchdog = threading.Timer(_LONGEST, process.kill)
        watchdog.start()
        try:
            # wait4 tells the peak of this one child; RUSAGE_CHILDREN tells the highest of all that ever ran.
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            watchdog.cancel()
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotMeasured(f"{_shown(words)} ended with {process.returncode}: {said(folder)}")
    return Spent(seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6)


def _shown(words: Sequence[str]) -> str:
    return " ".join(Path(word).name for word in words[:3] if word != PYTHON)


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(words: Sequence[str], folder: Path, url: str) -> Iterator[float]:
    """A server for as long as the block lasts; gives the seconds from its start to its first 200."""
    started = time.perf_counter()
    with running(words, folder) as process:
        while get(url)[0] != 200:
            if process.poll() is not None or time.perf_counter() - started > _LONGEST_START:
                raise NotMeasured(f"{_shown(words)} gave no 200 in {_LONGEST_START:g} s: {said(folder)}")
            time.sleep(0.005)
        yield time.perf_counter() - started


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (in lower case) and body; status 0 where nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request("GET", f"{parts.path}?{parts.query}".rstrip("?"), headers=dict(headers or {}))
        response = connection.getresponse()
        return (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    except (OSError, http.client.HTTPException):
        return 0, {}, b""
    finally:
        connection.close()
