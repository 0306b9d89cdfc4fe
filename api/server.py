"""The production server and what runs beside it: starts them, restarts what dies, stops them together; knows no routes."""

from __future__ import annotations

import logging
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence

from granian import Granian
from granian.constants import Interfaces
from granian.http import HTTP1Settings

log = logging.getLogger("sightings.server")
_HEADER_MILLISECONDS = 5_000  # a client that takes longer to say what it wants is not one
_STOP_SECONDS = 10
_LONGEST_PAUSE = 30.0


class Companion:
    """A command that has to run as long as the server does."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = list(words)
        self._stopping = threading.Event()
        self._process = subprocess.Popen(self._words)
        self._watch = threading.Thread(target=self._keep_alive, name="companion", daemon=True)
        self._watch.start()

    def _keep_alive(self) -> None:
        pause = 1.0
        while True:
            started = time.monotonic()
            code = self._process.wait()
            if self._stopping.is_set():
                return
            # What dies again and again is tried less and less often; what ran for a while starts anew at once.
            pause = 1.0 if time.monotonic() - started > _LONGEST_PAUSE else min(pause * 2, _LONGEST_PAUSE)
            log.error("%s ended with code %s; it is started again in %.0f s", self._words[-1], code, pause)
            if self._stopping.wait(pause):
                return
            self._process = subprocess.Popen(self._words)

    def stop(self) -> None:
        """End it, politely first."""
        self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def serve(
    host: str, port: int, workers: int, companion: Sequence[str] | None, say: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT. ``say`` is told the address once the first request is answered.

    Port 0 takes a free one.
    """
    port = port or _free_port(host)
    server = Granian(
        "api:create_app",
        factory=True,
        address=host,
        port=port,
        interface=Interfaces.WSGI,
        workers=workers,
        blocking_threads=4,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
        respawn_failed_workers=True,
        workers_kill_timeout=_STOP_SECONDS,
        log_access=False,
        log_level="warning",  # type: ignore[arg-type]
    )
    beside = Companion(companion) if companion else None
    threading.Thread(target=_announce, args=(host, port, say), daemon=True).start()
    try:
        server.serve()
    finally:
        if beside:
            beside.stop()


def _free_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def _announce(host: str, port: int, say: Callable[[str], None]) -> None:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it is compared, not bound
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}/livez", timeout=2):
                say(address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
