"""The server and what runs beside it: started, restarted when they die, stopped together. Knows no routes."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from api.metrics import places

log = logging.getLogger("sightings.server")
_ROOT = Path(__file__).resolve().parent.parent
_HEADER_MILLISECONDS = 5_000  # a client that takes longer to say what it wants is not one
_WORKER_STOP_SECONDS = 5
_STOP_SECONDS = 9
_LONGEST_PAUSE = 30.0
_START_SECONDS = 60
# Linux sends SIGTERM to a child tied like this when its parent ends, however that ends; it outlives the exec.
_TIE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(1, int(signal.SIGTERM))
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


class CannotListen(Exception):
    """Host and port cannot be listened on; the message is one sentence that says why."""


class Kept:
    """A command that is kept running until it is stopped; ends with all that it started, and with us."""

    def __init__(self, name: str, words: Sequence[str], environment: Mapping[str, str]) -> None:
        tie = [sys.executable, "-c", _TIE, str(os.getpid())] if sys.platform == "linux" else []
        self._name, self._words, self._environment = name, [*tie, *words], dict(environment)
        self._stopping, self._starting = threading.Event(), threading.Lock()
        self._start()
        self._watch = threading.Thread(target=self._keep, name=name, daemon=True)
        self._watch.start()

    def _start(self) -> None:
        with self._starting:
            if self._stopping.is_set():
                return
            self._started = time.monotonic()
            self._process = subprocess.Popen(self._words, env=self._environment, start_new_session=True)

    def _keep(self) -> None:
        pause = 0.5
        while True:
            code = self._process.wait()
            if self._stopping.is_set():
                return
            self._end_rest()
            # What dies again and again is tried less and less often; what ran for a while starts anew soon.
            lived = time.monotonic() - self._started
            pause = 1.0 if lived > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
            log.error("the %s ended with code %s and is started again in %.0f s", self._name, code, pause)
            if self._stopping.wait(pause):
                return
            self._start()

    def ask_to_stop(self) -> None:
        """Tell it to end, politely."""
        with self._starting:
            self._stopping.set()
        if self._process.poll() is None:
            self._process.terminate()

    def end(self) -> None:
        """Wait until it has ended, and insist if it does not."""
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._end_rest()

    def _end_rest(self) -> None:
        """End what a command left behind: the workers of a killed server would answer beside the new ones."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            deadline = time.monotonic() + _WORKER_STOP_SECONDS
            there = self._reaches_rest(number)
            while there and time.monotonic() < deadline:
                time.sleep(0.05)
                there = self._reaches_rest(0)
            if not there:
                return

    def _reaches_rest(self, number: int) -> bool:
        """Send a signal to the group of the command, which has ended; whether anyone is left in it."""
        with suppress(ChildProcessError):  # where we are process 1, what it left is ours to bury
            while os.waitpid(-self._process.pid, os.WNOHANG)[0]:
                pass
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True


def serve(
    host: str,
    port: int,
    workers: int,
    beside: Mapping[str, Sequence[str]],
    say: Callable[[str], None],
    metrics: Path,
) -> None:
    """Serve until SIGTERM or SIGINT, with the commands ``beside`` kept running too, each by its name.

    ``say`` is told the address once the first request is answered. Port 0 takes a free one. Workers keep what
    they count in the folder ``metrics``. The server is a process of its own and not a fork of this one: a
    fork would take along the locks that a thread here holds. Raises CannotListen.
    """
    port = _free_port(host, port)
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONPATH": path}
    told_to_stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told_to_stop.set())
    places.clear(metrics)
    counting = {**environment, places.VARIABLE: str(metrics)}
    kept = [Kept("server", _server_words(host, port, workers), counting)]
    kept += [Kept(name, words, environment) for name, words in beside.items()]
    try:
        _announce(host, port, say, told_to_stop)
        told_to_stop.wait()
    finally:
        for command in kept:
            command.ask_to_stop()
        for command in kept:
            command.end()


def _server_words(host: str, port: int, workers: int) -> list[str]:
    """Granian's command line; measured the best of the servers, and safe against half-sent requests."""
    return [
        sys.executable, "-m", "granian", "--interface", "rsgi", "--loop", "uvloop", "--factory",
        "--host", host,
        "--port", str(port), "--workers", str(workers), "--no-ws", "--http", "1",
        "--http1-header-read-timeout", str(_HEADER_MILLISECONDS),
        "--respawn-failed-workers", "--respawn-interval", "0.5",
        "--workers-kill-timeout", str(_WORKER_STOP_SECONDS), "--log-level", "warning", "api:create_server",
    ]  # fmt: skip


def _free_port(host: str, port: int) -> int:
    """The port, or a free one for 0. Granian shares its port with whoever else does, so we ask before it."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            told = f"Port {port} on {host} is taken by another program; choose another with --port."
        else:
            told = f"Port {port} on {host} cannot be listened on: {error.strerror}."
        raise CannotListen(told) from None


def _announce(host: str, port: int, say: Callable[[str], None], told_to_stop: threading.Event) -> None:
    """Say the address when it answers; nothing if that does not come about."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it is compared, not bound
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and not told_to_stop.wait(0.05):
        try:
            with urllib.request.urlopen(f"{address}/livez", timeout=2):  # noqa: S310 - it is http, from above
                say(address)
                return
        except (urllib.error.URLError, OSError):
            continue
    if not told_to_stop.is_set():
        log.error("nothing answers at %s after %d s; look above for the reason", address, _START_SECONDS)
