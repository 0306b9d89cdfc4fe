"""The rows about a first look at the dashboard: until all is drawn, bytes, requests, what is our own."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.processes import MANAGE, ROOT, free_port, home, run, serving
from bench.row import Bench, NotMeasured, Plan, Row, tool

if TYPE_CHECKING:
    from playwright.sync_api import Browser

DRAWN, WIRE, REQUESTS, OWN = (
    "first view of the dashboard in Chromium, warm server: until all of it is drawn, against 500 ms",
    "what that view brings over the wire, compressed and with its headers, against 150 kB",
    "what that view asks for, against 20 requests",
    "own CSS and JavaScript of all pages but /docs, before compression, against 60 kB",
)
_SECONDS, _BYTES, _REQUESTS, _OWN = 0.5, 150_000, 20, 60_000
# All pictures, also those below the window: loaded, decoded, and one frame after the next was drawn.
_WATCH = """window.drawn = new Promise((resolve) => addEventListener("load", async () => {
    await Promise.all([...document.querySelectorAll("picture img")].map((one) => one.decode()));
    requestAnimationFrame(() => requestAnimationFrame(() => resolve(performance.now())));
}));"""


def measure(plan: Plan) -> list[Row]:
    """Serve the demo, look at it once, and then with browsers that have never been here."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotMeasured("playwright is not installed") from None
    with home() as folder, ExitStack() as servers:
        run([*MANAGE, "demo"], folder)
        origin = _serve(servers, folder)
        play = servers.enter_context(sync_playwright())
        browser = play.chromium.launch(executable_path=tool("chromium"), args=["--no-sandbox"])
        try:
            _look(browser, origin)
            looks = [_look(browser, origin) for _ in range(2 * plan.starts + 1)]
        finally:
            browser.close()
    seconds, received, asked = (median(each) for each in zip(*looks, strict=True))
    own = sum(
        path.stat().st_size
        for path in (ROOT / "api" / "static").iterdir()
        if path.suffix in (".css", ".js") and path.stem != "docs"
    )
    return [
        _row(DRAWN, f"{seconds * 1e3:.0f} ms", "500 ms", seconds / _SECONDS),
        _row(WIRE, f"{received / 1e3:.1f} kB", "150 kB", received / _BYTES),
        _row(REQUESTS, f"{asked:.0f}", "20", asked / _REQUESTS),
        _row(OWN, f"{own / 1e3:.1f} kB", "60 kB", own / _OWN),
    ]


def _serve(servers: ExitStack, folder: Path) -> str:
    port = free_port()
    words = [*MANAGE, "serve", "--workers", "2", "--no-scheduler", "--host", "127.0.0.1"]
    servers.enter_context(serving([*words, "--port", str(port)], folder, f"http://127.0.0.1:{port}/livez"))
    return f"http://127.0.0.1:{port}"


def _look(browser: Browser, origin: str) -> tuple[float, float, float]:
    """Seconds, bytes and requests of one view in a session that has nothing kept."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.add_init_script(_WATCH)
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        received: list[float] = []

        def finished(event: dict[str, Any]) -> None:
            received.append(event["encodedDataLength"])

        wire.on("Network.loadingFinished", finished)
        page.goto(origin, wait_until="commit")
        return page.evaluate("window.drawn") / 1e3, sum(received), len(received)
    finally:
        context.close()


def _row(what: str, ours: str, target: str, ratio: float) -> Row:
    return Row(what, ours, target, ratio, "1", ratio <= 1)


BENCH = Bench("page", "a first look at the page", measure, (DRAWN, WIRE, REQUESTS, OWN))
