"""A home with a server and an ingester, and a tab of a browser that notes what it asks for and shows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.files import read_one, table
from tests.seed import open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page, Request

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
HANG_SECONDS = 8
CYCLE_MS = 2100
"""As long as a page waits between two questions at most, while somebody looks at it."""
ANIMALS = ("Bear", "Deer", "Lynx", "Wolf")
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push([entry.value, entry.startTime]);
}).observe({ type: "layout-shift", buffered: true });

// Each question for the version: when by the page's own clock, and how many others were open.
window.polls = [];
window.open = { version: 0, other: 0 };
const ask = window.fetch;
window.fetch = (url, ...more) => {
  const kind = `${url}`.includes("/api/v1/version") ? "version" : "other";
  if (kind === "version") window.polls.push({ at: Date.now(), beside: window.open.version });
  window.open[kind] += 1;
  return ask(url, ...more).finally(() => { window.open[kind] -= 1; });
};

// What each frame shows: the page's version with the addresses of its pictures, and whether one is blank.
window.states = new Set();
window.blank = 0;
const frame = window.requestAnimationFrame.bind(window);
window.film = () => {
  const images = [...document.querySelectorAll("picture img")];
  if (!images.length || images.some((one) => !one.complete || !one.naturalWidth)) window.blank += 1;
  const version = document.querySelector("#live").dataset.version;
  window.states.add([version, ...images.map((one) => one.src)].join(" "));
  frame(window.film);
};
"""


class Station:
    """A home, a server on it, and an ingester that is another process."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.environment = {**os.environ, "SIGHTINGS_HOME": str(home), **settings}
        self.address = ""
        self._files = 0

    def manage(self, *words: str) -> dict[str, Any]:
        done = subprocess.run(
            [sys.executable, "manage.py", *words, "--json"],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
        )
        answer: dict[str, Any] = json.loads(done.stdout)
        return answer

    def ingest(self, *rows: str) -> None:
        """By this process, which saves the start of another one: to the server it is one like any."""
        self._files += 1
        name = self.home / f"{self._files}.csv"
        file = table(name, "species,eventDate,individualCount,locality", *rows)
        writer = open_database(f"sqlite:///{self.home / 'sightings.db'}")
        try:
            assert read_one(writer, file).tally.inserted == len(rows)
        finally:
            writer.dispose()

    def fill(self) -> None:
        """Four animals on the days of one spring."""
        self.ingest(
            *(
                f"{animal},2024-{month:02}-{day:02},{5 - index},Valley"
                for index, animal in enumerate(ANIMALS)
                for month in (1, 2, 3, 4, 5, 6)
                for day in range(1, 20 - index)
            )
        )

    @contextmanager
    def served(self, workers: int = 1) -> Iterator[str]:
        """A server on a free port; the second time on the one that it had."""
        port = urlsplit(self.address).port or 0
        words = ["--port", str(port), "--workers", str(workers), "--no-scheduler", "--no-warm-up"]
        with subprocess.Popen(
            [sys.executable, "manage.py", "serve", *words],
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                self.address = server.stdout.readline().split()[-1]
                yield self.address
            finally:
                server.terminate()
                server.wait(START_SECONDS)


@contextmanager
def window(browser: Browser, **more: Any) -> Iterator[BrowserContext]:
    """A window of its own that is watched."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, **more)
    context.add_init_script(WATCH)
    try:
        yield context
    finally:
        context.close()


class Tab:
    """A page, and everything that it asked for or complained about."""

    def __init__(self, context: BrowserContext, url: str, clock: float | None = None) -> None:
        """``clock`` is what it takes for the time, which then stands still until ``pass_by``."""
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", self._failed)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        if clock is not None:
            self.page.clock.install(time=clock)
        self.page.goto(url, wait_until="load")
        if clock is not None:
            self.page.clock.pause_at(clock + 60)

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # what was under way when the page was left
            self.complaints.append(f"failed: {request.url}: {request.failure}")

    def asked(self, since: int = 0) -> dict[str, list[str]]:
        """What was asked for, by kind: version, page, chart, other."""
        found: dict[str, list[str]] = {"version": [], "page": [], "chart": [], "other": []}
        for url in self.requests[since:]:
            path = urlsplit(url).path
            kind = {"/": "page", "/api/v1/version": "version"}.get(path, "other")
            found["chart" if path.startswith("/api/v1/reports/") else kind].append(url)
        return found

    def await_polls(self, number: int) -> None:
        """Wait until the version was asked for this many times more."""
        start = len(self.asked()["version"])
        self.wait_until(lambda: len(self.asked()["version"]) >= start + number, 3 * number + HANG_SECONDS)

    def pass_by(self, seconds: float, step: int = CYCLE_MS, answered: bool = True) -> None:
        """Let time go by for the page, step (ms) by step; unless told otherwise each with its answers."""
        for _ in range(round(seconds * 1000 / step)):
            self.page.clock.run_for(step)
            while answered and self.page.evaluate("window.open.version + window.open.other"):
                self.page.wait_for_timeout(2)

    def polls(self, since: int = 0) -> list[dict[str, Any]]:
        """Each question for the version: when by the page's clock (ms), and how many were open beside it."""
        found: list[dict[str, Any]] = self.page.evaluate("window.polls")
        return found[since:]

    def wait_until(self, there: Callable[[], bool], seconds: float = HANG_SECONDS) -> float:
        """How long it took."""
        started = time.monotonic()
        while not there():
            assert time.monotonic() - started < seconds
            self.page.wait_for_timeout(20)
        return time.monotonic() - started

    def images(self) -> dict[str, str]:
        """What each chart shows at the moment, by the chart's name."""
        pairs = self.page.eval_on_selector_all(
            "picture", "all => all.map(one => [one.dataset.live, one.querySelector('img').currentSrc])"
        )
        return dict(pairs)

    def text(self, selector: str) -> str:
        return self.page.inner_text(selector)

    def shift(self) -> float:
        """The sum of all layout shifts since the page was opened."""
        self.page.wait_for_timeout(200)
        return float(self.page.evaluate("window.shifts.reduce((sum, [value]) => sum + value, 0)"))

    def all_drawn(self) -> bool:
        script = "all => all.length > 0 && all.every(one => one.complete && one.naturalWidth > 0)"
        return bool(self.page.eval_on_selector_all("picture img", script))
