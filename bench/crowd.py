"""The rows about many at once: a stampede, hits beside an ingest, a flood of charts, a thousand viewers."""

from __future__ import annotations

import asyncio
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.clients import Client, Heard, at_once, steadily
from bench.ingested import generate
from bench.processes import MANAGE, free_port, get, home, run, running, serving
from bench.row import Bench, NotMeasured, Plan, Row, tool

CHART = "/api/v1/reports/timeline.svg?feed=reading&measure=individuals"
STAMPEDE, BESIDE, FLOOD, DISK, VIEWERS, VIEWERS_CPU, PIXELS, REST = (
    "100 clients on one cold chart, two workers: the slowest answer, against one drawing and 100 ms",
    "p99 of hits beside an ingest and charts being drawn, against its idle value",
    "a worker's memory after 10,000 different charts, against 200 MB",
    "the cache's bytes on disk after them, against its bound",
    "p99 of 1,000 viewers that poll the version every 2 s, two workers, against 50 ms",
    "what those viewers cost, against one core",
    "new pixels in a browser among them after a commit, against 3 s",
    "a worker's memory at rest, against 200 MB",
)
CACHE_BYTES = 64 << 20
_MEGABYTES = 200.0


def measure(plan: Plan) -> list[Row]:
    """Serve the demo with two workers, and let them come."""
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        origin, process = _serve(servers, folder)
        rows = [_rest(process)]
        rows.append(_stampede(origin))
        rows += _viewers(plan, origin, process, folder)
        rows.append(_beside(plan, origin, folder))
        rows += _flood(plan, origin, process, folder)
        return rows


def _serve(servers: ExitStack, folder: Path) -> tuple[str, int]:
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


def _cpu_seconds(serve: int) -> float:
    """What the server and all below it have spent."""
    ticks = 0
    for process in (serve, *_below(serve)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _rest(serve: int) -> Row:
    return _memory(REST, serve)


def _memory(what: str, serve: int) -> Row:
    most = max(map(_megabytes, _workers(serve)), default=float("nan"))
    return Row(what, f"{most:.0f} MB", f"{_MEGABYTES:.0f} MB", most / _MEGABYTES, "1", most <= _MEGABYTES)


def _stampede(origin: str) -> Row:
    """Several times, each chart cold, against a lone client's cold chart of the same kind."""
    alone, crowd, renders = [], [], 0
    for turn in range(5):
        started = time.perf_counter()
        get(f"{origin}{CHART}&width={400 + turn}")
        alone.append(time.perf_counter() - started)
        before = _renders(origin)
        heard = asyncio.run(at_once(origin, [f"{CHART}&width={500 + turn}"] * 100))
        if heard.statuses != {200: 100}:
            raise NotMeasured(f"a stampede was answered {heard.statuses}")
        crowd.append(max(heard.seconds))
        renders += _renders(origin) - before
    slowest, one = sorted(crowd)[2], sorted(alone)[2]
    what = f"{STAMPEDE} ({renders / 5:g} drawings each)"
    reached = slowest <= one + 0.1 and renders == 5
    return Row(what, _ms(slowest), _ms(one + 0.1), slowest / (one + 0.1), "1", reached)


def _renders(origin: str) -> int:
    content = get(f"{origin}/metrics")[2].decode()
    return round(
        sum(
            float(line.rpartition(" ")[2])
            for line in content.splitlines()
            if line.startswith("sightings_drawing_seconds_count")
        )
    )


def _viewers(plan: Plan, origin: str, serve: int, folder: Path) -> list[Row]:
    seconds = plan.seconds * 10
    heard, before = Heard(), _cpu_seconds(serve)

    def view(heard: Heard, seconds: float) -> None:
        found = asyncio.run(
            steadily(origin, "/api/v1/version", clients=1_000, every=2.0, seconds=seconds, conditional=True)
        )
        heard.seconds, heard.statuses, heard.versions_went_back = (
            found.seconds, found.statuses, found.versions_went_back,
        )  # fmt: skip

    view(heard, seconds)
    cores = (_cpu_seconds(serve) - before) / seconds
    _all_well(heard)
    p99, beside = heard.percentile(0.99), Heard()
    crowd = threading.Thread(target=view, args=(beside, 20.0))
    crowd.start()
    try:
        pixels = _pixels(origin, folder)
    finally:
        crowd.join()
    _all_well(beside)
    return [
        Row(VIEWERS, _ms(p99), _ms(0.05), p99 / 0.05, "1", p99 <= 0.05),
        Row(VIEWERS_CPU, f"{cores:.2f} cores", "1 core", cores, "0.5", cores <= 0.5),
        pixels,
    ]


def _pixels(origin: str, folder: Path) -> Row:
    """From the first answer that shows a commit until another picture is seen in an open page."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return Row(PIXELS, target="1", missing="playwright is not installed")
    file = folder / "one.csv"
    file.write_text("vernacularName,eventDate,individualCount\nWolf,2021,3\n", encoding="utf-8")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=tool("chromium"), args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(origin, wait_until="networkidle")
        before, version = page.evaluate(_SEEN), get(f"{origin}/api/v1/version")[2]
        with running([*MANAGE, "ingest", "--feed", "live", str(file)], folder) as ingest:
            while get(f"{origin}/api/v1/version")[2] == version:
                if ingest.poll():
                    raise NotMeasured(f"an ingest of one record ended with {ingest.returncode}")
                time.sleep(0.01)
            committed = time.perf_counter()
            page.wait_for_function(f"before => ({_SEEN})().some(one => !before.includes(one))", arg=before)
        seconds = time.perf_counter() - committed
        browser.close()
    return Row(PIXELS, f"{seconds:.2f} s", "3 s", seconds / 3, "1", seconds <= 3)


_SEEN = """() => [...document.querySelectorAll("picture img")]
    .filter(one => one.complete && one.naturalWidth > 0).map(one => one.currentSrc)"""


def _beside(plan: Plan, origin: str, folder: Path) -> Row:
    """A steady client of a chart that is kept; then the same while a file goes in and others are drawn."""
    file = generate(folder, plan.rows)

    def hits(seconds: float) -> Heard:
        heard = asyncio.run(steadily(origin, CHART, clients=4, every=0.01, seconds=seconds))
        _all_well(heard)
        return heard

    hits(1)
    idle = hits(plan.seconds * 3)
    over = threading.Event()
    drawing = threading.Thread(target=_draw, args=(origin, over))
    drawing.start()
    try:
        with running([*MANAGE, "ingest", str(file)], folder) as ingest:
            busy = Heard()
            while ingest.poll() is None:
                more = hits(1)
                busy.seconds += more.seconds
    finally:
        over.set()
        drawing.join()
    file.unlink()
    ours, theirs = busy.percentile(0.99), idle.percentile(0.99)
    what = f"{BESIDE} ({plan.rows:,} rows)"
    return Row(what, _ms(ours), _ms(theirs), ours / theirs, "3", ours <= 3 * theirs)


def _draw(origin: str, over: threading.Event) -> None:
    width = 600
    while not over.wait(0.1):
        width += 1
        get(f"{origin}{CHART}&width={width}")


def _flood(plan: Plan, origin: str, serve: int, folder: Path) -> list[Row]:
    """Different valid charts, one after the other by four clients, and a hot one in between."""
    number, heard = plan.charts_of_a_flood, Heard()

    async def some(start: int) -> None:
        client = Client(origin, heard)
        for at in range(start, number, 4):
            await client.get(f"{CHART}&width={300 + at % 1_500}&height={200 + at // 1_500}")
            if at % 50 == 0:
                await client.get(CHART)
        await client.close()

    async def all_of_them() -> None:
        await asyncio.gather(*(some(start) for start in range(4)))

    asyncio.run(all_of_them())
    _all_well(heard)
    before = _renders(origin)
    get(origin + CHART)
    hot = _renders(origin) == before
    disk = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file())
    memory = _memory(FLOOD.replace("10,000", f"{number:,}"), serve)
    bound = f"{CACHE_BYTES / 1e6:.0f} MB"
    told = f"{DISK} (the hot chart {'is still a hit' if hot else 'was drawn again'})"
    fits = disk <= CACHE_BYTES * 1.1 and hot
    return [memory, Row(told, f"{disk / 1e6:.0f} MB", bound, disk / CACHE_BYTES, "1.1", fits)]


def _all_well(heard: Heard) -> None:
    if heard.failed or heard.versions_went_back:
        raise NotMeasured(
            f"answers were {heard.statuses}, versions went back {heard.versions_went_back} times"
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms"


BENCH = Bench(
    "crowd", "many at once", measure, (REST, STAMPEDE, VIEWERS, VIEWERS_CPU, PIXELS, BESIDE, FLOOD, DISK)
)
