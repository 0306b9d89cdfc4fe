"""The row about a hundred clients who want the same cold chart: all at once, over all workers."""

from __future__ import annotations

import re
import selectors
import socket
import time
from statistics import median

from bench.processes import MANAGE, free_port, get, home, run, serving
from bench.row import Bench, NotMeasured, Plan, Row

CLIENTS = 100
SLOWEST = f"{CLIENTS} clients on one cold chart over all workers, the slowest answer, against one alone"
_CHART = "/api/v1/reports/timeline.svg?feed=reading&measure=individuals&width={}"
_MOST_OVER = 0.1
_DRAWN = re.compile(r'^sightings_drawing_seconds_count\{report="timeline"\} ([0-9.]+)$', re.MULTILINE)


def measure(plan: Plan) -> list[Row]:
    """In turns: a chart that one asks for, a chart that all ask for; none was asked for before."""
    alone, together = [], []
    with home() as folder:
        run([*MANAGE, "demo"], folder)
        port = free_port()
        words = [*MANAGE, "serve", "--no-scheduler", "--host", "127.0.0.1", "--port", str(port)]
        with serving(words, folder, f"http://127.0.0.1:{port}/livez"):
            asked(port, _CHART.format(400), 20)  # only warms up
            before = _drawings(port)
            for turn in range(plan.rounds * 3):
                alone.append(asked(port, _CHART.format(500 + turn), 1))
                together.append(asked(port, _CHART.format(600 + turn), CLIENTS))
            drawings = _drawings(port) - before
    if drawings != len(alone) + len(together):
        raise NotMeasured(f"{drawings:.0f} drawings were made where {len(alone) + len(together)} are enough")
    over = median(many - one for many, one in zip(together, alone, strict=True))
    shown = f"{median(together) * 1000:.0f} ms", f"{median(alone) * 1000:.0f} ms"
    ratio = median(together) / median(alone)
    return [Row(SLOWEST, *shown, ratio, f"{_MOST_OVER * 1000:.0f} ms more", over <= _MOST_OVER)]


def asked(port: int, path: str, clients: int) -> float:
    """Seconds until the last of so many, who are connected and ask at once, has his answer whole."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    with selectors.DefaultSelector() as waiting:
        for _ in range(clients):
            waiting.register(socket.create_connection(("127.0.0.1", port)), selectors.EVENT_READ, bytearray())
        begun = time.perf_counter()
        for key in list(waiting.get_map().values()):
            _of(key).sendall(request)
        while waiting.get_map():
            ready = waiting.select(30)
            if not ready:
                raise NotMeasured("an answer did not come in 30 s")
            for key, _ in ready:
                _take(waiting, key)
        return time.perf_counter() - begun


def _take(waiting: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
    """What has come for one client; when that is all, it has to be a picture."""
    piece = _of(key).recv(1 << 16)
    key.data.extend(piece)
    if not piece:
        waiting.unregister(key.fileobj)
        _of(key).close()
        if not key.data.startswith(b"HTTP/1.1 200 ") or not key.data.endswith(b"</svg>\n"):
            raise NotMeasured(f"an answer was {bytes(key.data[:40])!r}")


def _of(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def _drawings(port: int) -> float:
    """How many timelines were drawn, by the server's own count."""
    status, _, told = get(f"http://127.0.0.1:{port}/metrics")
    found = _DRAWN.search(told.decode())
    if status != 200 or found is None:
        raise NotMeasured(f"/metrics answered {status} and no count of drawings")
    return float(found[1])


BENCH = Bench("crowd", "a hundred clients on one cold chart", measure, (SLOWEST,))
