"""The rows about many at once: a stampede on a cold chart, a thousand viewers."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.clients import Heard, at_once, lasting, steadily
from bench.ourselves import CHART, all_well, cpu_seconds, drawings, memory, milliseconds, serve
from bench.processes import MANAGE, get, home, run, running
from bench.row import Bench, NotMeasured, Plan, Row, tool

REST, STAMPEDE, VIEWERS, VIEWERS_CPU, PIXELS = (
    "a worker's memory at rest, against 200 MB",
    "100 clients on one cold chart, two workers: the slowest answer, against one drawing and 100 ms",
    "p99 of 1,000 viewers that poll the version every 2 s, two workers, against 50 ms",
    "what those viewers cost, against one core",
    "new pixels in a browser among them after a commit, against 3 s",
)


def measure(plan: Plan) -> Iterator[Row]:
    """Serve the demo with two workers, and let them come."""
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        origin, process = serve(servers, folder)
        yield memory(REST, process)
        yield _stampede(origin)
        yield from _viewers(plan, origin, process, folder)


def _stampede(origin: str) -> Row:
    """Several times, each chart cold, against a lone client's cold chart of the same kind."""
    alone, crowd, drawn = [], [], 0
    for turn in range(5):
        started = time.perf_counter()
        get(f"{origin}{CHART}&width={400 + turn}")
        alone.append(time.perf_counter() - started)
        before = drawings(origin)
        heard = asyncio.run(at_once(origin, [f"{CHART}&width={500 + turn}"] * 100))
        if heard.statuses != {200: 100}:
            raise NotMeasured(f"a stampede was answered {heard.statuses}")
        crowd.append(max(heard.seconds))
        drawn += drawings(origin) - before
    slowest, one = sorted(crowd)[2], sorted(alone)[2]
    what = f"{STAMPEDE} ({drawn / 5:g} drawings each)"
    reached = slowest <= one + 0.1 and drawn == 5
    return Row(what, milliseconds(slowest), milliseconds(one + 0.1), slowest / (one + 0.1), "1", reached)


def _viewers(plan: Plan, origin: str, serve: int, folder: Path) -> list[Row]:
    seconds = plan.seconds * 10
    heard, before = Heard(), cpu_seconds(serve)

    def view(heard: Heard, seconds: float) -> None:
        found = asyncio.run(
            steadily(
                origin,
                "/api/v1/version",
                clients=1_000,
                every=2.0,
                goes_on=lasting(seconds),
                conditional=True,
            )
        )
        heard.seconds, heard.statuses, heard.versions_went_back = (
            found.seconds, found.statuses, found.versions_went_back,
        )  # fmt: skip

    view(heard, seconds)
    cores = (cpu_seconds(serve) - before) / seconds
    all_well(heard)
    p99, beside = heard.percentile(0.99), Heard()
    crowd = threading.Thread(target=view, args=(beside, 20.0))
    crowd.start()
    try:
        pixels = _pixels(origin, folder)
    finally:
        crowd.join()
    all_well(beside)
    return [
        Row(VIEWERS, milliseconds(p99), milliseconds(0.05), p99 / 0.05, "1", p99 <= 0.05),
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


BENCH = Bench("crowd", "many at once", measure, (REST, STAMPEDE, VIEWERS, VIEWERS_CPU, PIXELS))
