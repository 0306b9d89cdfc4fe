"""Our own server with two workers: what it holds, costs and has drawn. Knows no row's target."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.clients import Heard
from bench.processes import MANAGE, free_port, get, serving
from bench.row import NotMeasured, Row

CHART = "/api/v1/reports/timeline.svg?feed=reading&measure=individuals"
"""Three animals by year: about 10 kB."""
CACHE_BYTES = 64 << 20
_MEGABYTES = 200.0


def serve(servers: ExitStack, folder: Path) -> tuple[str, int]:
    """Its address and its process; it ends with the others."""
    port = free_port()
    settings = folder / "bench.toml"
    settings.write_text(f"cache_bytes = {CACHE_BYTES}\n", encoding="utf-8")
    words = [*MANAGE, "serve", "--workers", "2", "--no-scheduler", "--no-warm-up", "--host", "127.0.0.1"]
    origin = f"http://127.0.0.1:{port}"
    serve = servers.enter_context(_started([*words, "--port", str(port)], folder, f"{origin}/livez"))
    return origin, serve


@contextmanager
def _started(words: list[str], folder: Path, url: str) -> Iterator[int]:
    with serving(words, folder, url):
        yield _of_command("manage.py serve", folder)


def _of_command(words: str, folder: Path) -> int:
    """The process that was started with these words in this home."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            inside = f"SIGHTINGS_HOME={folder}".encode() in (process / "environ").read_bytes()
        except OSError:
            continue
        if inside and words in command:
            return int(process.name)
    raise NotMeasured("the processes of the server cannot be told here")


def _workers(serve: int) -> list[int]:
    """The processes that answer: those that have the application loaded, the largest below the server."""
    found = [process for process in _below(serve) if _megabytes(process) > 60]
    return sorted(found, key=_megabytes, reverse=True)[:2]


def _below(process: int) -> list[int]:
    children: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*"):
        try:
            children += [int(word) for word in (task / "children").read_text().split()]
        except OSError:
            continue
    return children + [further for child in children for further in _below(child)]


def _megabytes(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+)", status)
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def cpu_seconds(serve: int) -> float:
    """What the server and all below it have spent."""
    ticks = 0
    for process in (serve, *_below(serve)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory(what: str, serve: int) -> Row:
    """What the larger of its workers holds now, against what it may."""
    most = max(map(_megabytes, _workers(serve)), default=float("nan"))
    return Row(what, f"{most:.0f} MB", f"{_MEGABYTES:.0f} MB", most / _MEGABYTES, "1", most <= _MEGABYTES)


def drawings(origin: str) -> int:
    """How many charts its workers have drawn."""
    content = get(f"{origin}/metrics")[2].decode()
    return round(
        sum(
            float(line.rpartition(" ")[2])
            for line in content.splitlines()
            if line.startswith("sightings_drawing_seconds_count")
        )
    )


def all_well(heard: Heard) -> None:
    """Raise NotMeasured where something failed or a client was shown an older version than before."""
    if heard.failed or heard.versions_went_back:
        raise NotMeasured(
            f"answers were {heard.statuses}, versions went back {heard.versions_went_back} times"
        )


def milliseconds(seconds: float) -> str:
    """For people."""
    return f"{seconds * 1e3:.1f} ms"
