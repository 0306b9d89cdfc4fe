"""The rows about what strains the server: an ingest beside its clients, and a flood of different charts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from bench.clients import Client, Heard, lasting, steadily
from bench.ingested import generate
from bench.ourselves import CACHE_BYTES, CHART, all_well, drawings, memory, milliseconds, serve
from bench.processes import MANAGE, get, home, run, running, said
from bench.row import Bench, NotMeasured, Plan, Row

FLOOD, DISK, BESIDE = (
    "a worker's memory after 10,000 different charts, against 200 MB",
    "the cache's bytes on disk after them, against its bound",
    "p99 of hits beside an ingest and charts being drawn, against its idle value",
)


def measure(plan: Plan) -> Iterator[Row]:
    """Serve the demo with two workers, and strain them."""
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        origin, process = serve(servers, folder)
        yield from _flood(plan, origin, process, folder)
        yield _beside(plan, origin, folder)


def _beside(plan: Plan, origin: str, folder: Path) -> Row:
    """A steady client of a chart that is kept; then the same while a file goes in and others are drawn."""
    file = generate(folder, plan.rows)

    def hits(goes_on: Callable[[], bool]) -> Heard:
        heard = asyncio.run(steadily(origin, CHART, clients=4, every=0.01, goes_on=goes_on))
        all_well(heard)
        return heard

    hits(lasting(1))
    idle = hits(lasting(plan.seconds * 3))
    over = threading.Event()
    drawing = threading.Thread(target=_draw, args=(origin, over))
    drawing.start()
    try:
        with running([*MANAGE, "ingest", str(file)], folder) as ingest:
            busy = hits(lambda: ingest.poll() is None)
        if ingest.returncode:
            raise NotMeasured(f"the ingest ended with {ingest.returncode}: {said(folder)}")
    finally:
        over.set()
        drawing.join()
    file.unlink()
    ours, theirs = busy.percentile(0.99), idle.percentile(0.99)
    what = f"{BESIDE} ({plan.rows:,} rows)"
    return Row(what, milliseconds(ours), milliseconds(theirs), ours / theirs, "3", ours <= 3 * theirs)


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
    all_well(heard)
    before = drawings(origin)
    get(origin + CHART)
    hot = drawings(origin) == before
    disk = sum(path.stat().st_size for path in (folder / "cache").rglob("*") if path.is_file())
    held = memory(FLOOD.replace("10,000", f"{number:,}"), serve)
    bound = f"{CACHE_BYTES / 1e6:.0f} MB"
    told = f"{DISK} (the hot chart {'is still a hit' if hot else 'was drawn again'})"
    fits = disk <= CACHE_BYTES * 1.1 and hot
    return [held, Row(told, f"{disk / 1e6:.0f} MB", bound, disk / CACHE_BYTES, "1.1", fits)]


BENCH = Bench("strained", "what strains the server", measure, (FLOOD, DISK, BESIDE))
