"""The server and what runs beside it: started, renewed while it serves, stopped together; knows no routes."""

from __future__ import annotations

import errno
import logging
import os
import resource
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

from api.metrics import places
from api.serving.kept import Kept
from api.serving.outside import address_of

log = logging.getLogger("sightings.server")
_ROOT = Path(__file__).resolve().parent.parent.parent
_FACTORY = "api.factory"
_HEADER_MILLISECONDS = 5_000
"""A client that takes longer to say what it wants is not one. A connection may idle as long, too."""
_CONNECTIONS = 2_048
"""For each worker, idle ones too: a thousand open dashboards have one each."""
_WORKER_STOP_SECONDS = 15
"""How long a worker that is told to stop may answer on: longer than a chart or a query may take."""
REPLACED_AFTER_SECONDS = 8
"""How long a worker that holds too much memory serves on, while the one that follows it starts."""
_SAMPLE_SECONDS = 5
_START_SECONDS = 60


class CannotListen(Exception):
    """Host and port cannot be listened on; the message is one sentence that says why."""


def serve(
    host: str,
    port: int,
    workers: int,
    worker_memory: int,
    beside: Mapping[str, Sequence[str]],
    say: Callable[[str], None],
    metrics: Path,
) -> None:
    """Serve until SIGTERM or SIGINT, with the commands ``beside`` kept running too, each by its name.

    SIGHUP starts all of it anew. ``say`` is told the address once the first request is answered. Port 0 takes
    a free one. A worker that holds more than ``worker_memory`` bytes is replaced. Workers keep what they
    count in the folder ``metrics``. The server is a process of its own and not a fork of this one: a fork
    would take along the locks that a thread here holds. Raises CannotListen.
    """
    port = _free_port(host, port)
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    # Nothing here multiplies matrices, and a second thread would be told what a worker holds back at first.
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    told = _signals()
    _allow_connections()
    places.clear(metrics)
    counting = {**environment, places.VARIABLE: str(metrics)}
    kept = [Kept("server", _server_words(host, port, workers, worker_memory), counting, forks_need=_FACTORY)]
    try:
        address = _first_answer(host, port, told)
        # What runs beside it would only keep it from its first answer.
        kept += [Kept(name, words, environment) for name, words in beside.items() if told.empty()]
        if address:
            say(address)
        while told.get() == signal.SIGHUP:
            _renew(kept, port, workers, told)
            if not address and (address := _first_answer(host, port, told)):
                say(address)
    finally:
        for command in kept:
            command.ask_to_stop()
        for command in kept:
            command.end()


def _signals() -> SimpleQueue[int]:
    """What we are told from outside, in order. Into a queue of this kind may be put at any moment.

    An Event must not be set by a signal: one that arrives while the main thread is about to wait for it takes
    a lock that this thread holds, and so waits for ever.
    """
    told: SimpleQueue[int] = SimpleQueue()
    has_terminal = sys.stderr.isatty()

    def hear(number: int, _frame: object) -> None:
        # The terminal that somebody started us in is gone, and with it whoever could stop us.
        hung_up = number == signal.SIGHUP and has_terminal and not sys.stderr.isatty()
        told.put(signal.SIGTERM if hung_up else number)

    signal.signal(signal.SIGTERM, hear)
    signal.signal(signal.SIGINT, hear)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
        signal.signal(signal.SIGHUP, hear)
    return told


def _allow_connections() -> None:
    """Open as many files as the system lets us: the usual 1,024 are fewer than the connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * _CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _renew(kept: Sequence[Kept], port: int, workers: int, told: SimpleQueue[int]) -> None:
    """Start everything anew; where it can be seen when the new server listens, with no moment without one."""
    server, *beside = kept
    if sys.platform == "linux":
        before = _listeners(port)
        if not server.exchange(lambda: len(_listeners(port) - before) >= workers, lambda: not told.empty()):
            return
    else:
        server.renew()
    for command in beside:
        command.renew()
    log.info("the server was started anew")


def _listeners(port: int) -> set[str]:
    """The sockets that listen on a port, as Linux numbers them: each worker opens one when it can answer."""
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port:
                    found.add(fields[9])
    return found


def _server_words(host: str, port: int, workers: int, worker_memory: int) -> list[str]:
    """Granian's command line; measured the best of the servers, and safe against half-sent requests."""
    return [
        sys.executable, "-m", "granian", "--interface", "rsgi", "--loop", "uvloop", "--factory",
        "--host", host,
        "--port", str(port), "--workers", str(workers), "--no-ws", "--http", "1",
        "--http1-header-read-timeout", str(_HEADER_MILLISECONDS),
        "--backlog", str(_CONNECTIONS), "--backpressure", str(_CONNECTIONS),
        "--workers-max-rss", str(worker_memory // 2**20), "--rss-sample-interval", str(_SAMPLE_SECONDS),
        "--respawn-failed-workers", "--respawn-interval", str(REPLACED_AFTER_SECONDS),
        "--workers-kill-timeout", str(_WORKER_STOP_SECONDS), "--log-level", "error",
        f"{_FACTORY}:create_worker",
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


def _first_answer(host: str, port: int, told: SimpleQueue[int]) -> str:
    """The address, when it answers; empty where that does not come about before we are told something."""
    address = address_of(host, port)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and told.empty():
        try:
            with urllib.request.urlopen(f"{address}/livez", timeout=2):  # noqa: S310 - it is http, from above
                return address
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    if told.empty():
        log.error("nothing answers at %s after %d s; look above for the reason", address, _START_SECONDS)
    return ""
