"""The dashboard in a real Chromium, served by a real server, while another process ingests."""

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

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 30
FRESH_SECONDS = 3
HANG_SECONDS = 8
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.shifts.push([entry.value, entry.startTime]);
}).observe({ type: "layout-shift", buffered: true });
"""
ANIMALS = ("Bear", "Deer", "Lynx", "Wolf")


class Station:
    """A home, a server on it, and an ingester that is another process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.environment = {**os.environ, "SIGHTINGS_HOME": str(home)}
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
        self._files += 1
        file = self.home / f"{self._files}.csv"
        file.write_text("\n".join(("species,eventDate,individualCount,locality", *rows)) + "\n")
        (run,) = self.manage("ingest", str(file))["runs"]
        assert run["inserted"] == len(rows)

    @contextmanager
    def served(self) -> Iterator[str]:
        with subprocess.Popen(
            [
                sys.executable,
                "manage.py",
                "serve",
                "--port",
                "0",
                "--workers",
                "2",
                "--no-scheduler",
                "--no-warm-up",
            ],
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


@pytest.fixture
def station(home: Path) -> Iterator[Station]:
    """Four animals on the days of one spring, served."""
    station = Station(home)
    rows = [
        f"{animal},2024-{month:02}-{day:02},{5 - index},Valley"
        for index, animal in enumerate(ANIMALS)
        for month in (1, 2, 3, 4, 5, 6)
        for day in range(1, 20 - index)
    ]
    station.ingest(*rows)
    with station.served():
        yield station


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_init_script(WATCH)
    yield context
    context.close()


class Tab:
    """A page, and everything that it asked for or complained about."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.page: Page = context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        self.page.goto(url, wait_until="load")

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


def test_an_ingest_changes_the_totals_and_the_touched_charts_and_nothing_else(
    station: Station, context: BrowserContext
) -> None:
    all_of_it = Tab(context, station.address)
    lynx = Tab(context, f"{station.address}/?species=Lynx")
    all_of_it.page.bring_to_front()
    all_of_it.page.fill("#species", "half a na")
    all_of_it.page.focus("#species")
    all_of_it.page.evaluate("scrollTo(0, 300)")
    all_of_it.await_polls(1)
    shifted, shifted_lynx = all_of_it.shift(), lynx.shift()
    before, start, start_lynx = all_of_it.images(), len(all_of_it.requests), len(lynx.requests)
    records = int(all_of_it.page.get_attribute("#live", "data-records") or 0)
    node = all_of_it.page.query_selector('img[src*="species=Deer"]')

    station.ingest(*(f"Bear,2024-06-{day:02},1,Ridge" for day in (25, 26, 27)))
    ended = time.monotonic()
    seen = f"{records + 3}"
    all_of_it.wait_until(lambda: seen in all_of_it.text(".totals"))
    assert time.monotonic() - ended <= FRESH_SECONDS

    after = all_of_it.images()
    changed = {name for name, url in after.items() if url != before[name]}
    bear = next(name for name, url in after.items() if name.startswith("animal-") and "species=Bear" in url)
    assert changed == {"timeline", "species", "phenology", "arrivals", "calendar", bear}
    assert all_of_it.all_drawn()
    assert all_of_it.text("#news") == "3 new records, data to 27 Jun 2024"
    assert "27 Jun 2024" in all_of_it.text(".fresh")
    assert "Ridge" in all_of_it.text(".latest")
    assert node is not None
    assert node.evaluate("one => one.isConnected")  # what was not touched is still the same node

    all_of_it.await_polls(2)
    asked = all_of_it.asked(start)
    assert sorted(asked["chart"]) == sorted(after[name] for name in changed)
    assert len(asked["page"]) == 1
    assert asked["other"] == []
    assert all_of_it.shift() == shifted
    assert all_of_it.page.input_value("#species") == "half a na"
    assert all_of_it.page.evaluate("document.activeElement.id") == "species"
    assert all_of_it.page.evaluate("scrollY") == 300

    lynx.page.bring_to_front()
    lynx.await_polls(2)
    untouched = lynx.asked(start_lynx)
    assert untouched["page"] == untouched["chart"] == untouched["other"] == []
    assert lynx.shift() == shifted_lynx
    lynx.page.evaluate("document.body.prepend(document.createElement('hr'))")
    assert lynx.shift() > shifted_lynx  # the measure measures
    assert all_of_it.complaints == lynx.complaints == []


def test_while_nothing_happens_only_the_version_is_asked_for(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.wait_until(tab.all_drawn)
    start = len(tab.requests)
    tab.await_polls(3)
    asked = tab.asked(start)
    assert len(asked["version"]) >= 3
    assert asked["page"] == asked["chart"] == asked["other"] == []
    assert {urlsplit(url).netloc for url in tab.requests} == {urlsplit(station.address).netloc}
    assert tab.complaints == []


def test_another_order_moves_the_charts_that_stay_and_fetches_only_what_is_new(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    start, before, shifted = len(tab.requests), tab.images(), tab.shift()
    station.ingest("Wolf,2024-06-20,2000,Ridge", "Otter,2024-06-21,3000,River")
    tab.wait_until(lambda: "2 new records" in tab.text("#news"))
    assert tab.page.eval_on_selector_all(".animal h3", "all => all.map(one => one.textContent)") == [
        "Otter", "Wolf", "Bear", "Deer", "Lynx",
    ]  # fmt: skip
    tab.await_polls(1)
    after = tab.images()
    new = {url for name, url in after.items() if before.get(name) != url}
    assert set(tab.asked(start)["chart"]) == new
    assert len([url for url in new if "timeline" in url]) == 3  # of all, of otters, of wolves
    assert tab.all_drawn()
    assert tab.shift() == shifted


def test_a_warning_that_no_longer_holds_goes_and_links_and_names_follow(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, f"{station.address}/?species=Deer&species=Wolf&species=Otter")
    warning, snippet, names = ".warning", ".lead textarea", "#names option"
    assert "otter" in tab.text(warning)
    assert f'src="{station.address}/api' in tab.page.input_value(snippet)
    tab.page.fill("input.more", "half a na")
    link = tab.page.query_selector(".lead a.picture")
    assert link is not None
    assert "interval=month" in str(link.get_attribute("href"))
    station.ingest("Otter,2019-06-21,3,River")
    tab.wait_until(lambda: "1 new record" in tab.text("#news"))
    assert tab.page.locator(warning).count() == 0
    assert "interval=year" in str(link.get_attribute("href"))
    assert link.evaluate("one => one.isConnected")
    snippets = tab.page.eval_on_selector_all(
        ".lead textarea[data-live$=snippet]", "all => all.map(one => one.value)"
    )
    assert "interval=year" in snippets[0]
    assert all(f'src="{station.address}/api' in one for one in snippets)
    assert "Otter" in tab.page.eval_on_selector_all(names, "all => all.map(one => one.value)")
    assert tab.page.input_value("input.more") == "half a na"
    assert tab.complaints == []


def test_an_empty_dashboard_fills_by_itself(home: Path, context: BrowserContext) -> None:
    station = Station(home)
    with station.served() as address:
        tab = Tab(context, address)
        assert "Nothing is recorded yet" in tab.text("main")
        tab.page.fill("#species", "deer")
        station.ingest("Deer,2024-05-01,3,Valley", "Bear,2024-05-02,1,Ridge")
        tab.wait_until(lambda: "2 new records" in tab.text("#news"))
        assert tab.all_drawn()
        assert len(tab.images()) == 7
        assert tab.page.input_value("#species") == "deer"
        assert tab.complaints == []


def test_a_hidden_tab_is_silent_and_asks_at_once_when_it_is_looked_at(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    hide = """(hidden) => {
        Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }"""
    tab.page.evaluate(hide, True)
    tab.page.wait_for_timeout(300)
    start = len(tab.requests)
    tab.page.wait_for_timeout(4500)
    assert tab.requests[start:] == []
    tab.page.evaluate(hide, False)
    assert tab.wait_until(lambda: len(tab.requests) > start) < 1


def test_a_page_that_is_paused_or_offline_is_silent_and_says_so(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    tab.wait_until(lambda: tab.text("#checked").startswith("Checked "))
    tab.page.click("#pause")
    assert tab.text("#news") == "Paused: nothing changes until you resume"
    tab.page.wait_for_timeout(300)
    start, shown = len(tab.requests), tab.images()
    station.ingest("Bear,2024-06-25,1,Ridge")
    tab.page.wait_for_timeout(2500)
    assert tab.requests[start:] == []
    tab.page.click("#pause")
    tab.wait_until(lambda: tab.text("#news") == "1 new record, data to 25 Jun 2024")
    assert tab.images() != shown
    context.set_offline(True)
    tab.wait_until(lambda: "offline" in tab.text("#news"))
    tab.page.wait_for_timeout(300)
    start = len(tab.requests)
    tab.page.wait_for_timeout(2500)
    assert tab.requests[start:] == []
    context.set_offline(False)
    tab.await_polls(1)
    tab.wait_until(lambda: tab.text("#news") == "")
    assert tab.complaints == []


def test_a_slow_server_is_never_asked_twice_at_a_time_and_a_lost_one_less_and_less_often(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    held: list[Any] = []
    times: list[float] = []

    def hold_the_first_and_refuse_the_others(route: Any) -> None:
        if not held:
            held.append(route)
            return
        times.append(time.monotonic())
        route.abort()

    tab.page.route("**/api/v1/version*", hold_the_first_and_refuse_the_others)
    tab.page.wait_for_timeout(6000)
    assert (len(held), times) == (1, [])
    held[0].abort()
    tab.wait_until(lambda: len(times) == 2, 20)
    assert times[1] - times[0] >= 5
    assert "No answer from the server" in tab.text("#news")
    tab.page.unroute("**/api/v1/version*")
    tab.page.evaluate("dispatchEvent(new Event('online'))")
    tab.wait_until(lambda: tab.text("#news") == "")


def test_filters_are_followed_at_once_are_the_address_and_go_back_and_forth(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    tab.page.evaluate("window.here = true")
    tab.page.fill("#species", "wo")
    tab.wait_until(
        lambda: (
            tab.page.eval_on_selector_all("#names option", "all => all.map(one => [one.value, one.label])")
            == [["Wolf", "96 records"]]
        )
    )
    tab.page.fill("#species", "wolf")
    tab.page.press("#species", "Enter")
    tab.wait_until(lambda: tab.page.url == f"{station.address}/?species=wolf")
    tab.wait_until(tab.all_drawn)
    assert tab.text("#news") == "96 records"
    assert tab.page.title().startswith("Wolf")
    assert all("species=Wolf" in url or "species=wolf" in url for url in tab.images().values())
    assert tab.page.input_value("#species") == "Wolf"
    tab.page.focus("#measure")
    tab.page.select_option("#measure", "records")
    tab.page.click(".filters button")
    tab.wait_until(
        lambda: tab.page.url == f"{station.address}/?species=wolf&measure=records".replace("wolf", "Wolf")
    )
    tab.page.click(".presets >> text=Last 7 days")
    tab.wait_until(lambda: "No records match these filters" in tab.text("main"))
    assert "eventDate=" in tab.page.url
    tab.page.go_back()
    tab.wait_until(lambda: len(tab.images()) == 4)
    tab.page.go_back()
    tab.page.go_back()
    tab.wait_until(lambda: len(tab.images()) == 9)
    assert tab.page.url == f"{station.address}/"
    assert tab.page.input_value("#species") == ""
    tab.page.go_forward()
    tab.wait_until(lambda: tab.page.input_value("#species") == "Wolf")
    assert tab.page.evaluate("window.here")  # it was one page all the time
    station.ingest("Wolf,2024-06-20,2,Ridge")
    tab.wait_until(lambda: "1 new record" in tab.text("#news"))
    tab.page.fill("#from", "2024-02-01")
    tab.page.click(".filters button")
    tab.wait_until(lambda: "eventDate=2024-02-01,*" in tab.page.url)
    assert tab.complaints == []


def test_a_chart_tells_its_values_to_a_mouse_a_finger_and_the_keyboard(
    station: Station, browser: Browser
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, has_touch=True)
    tab = Tab(context, f"{station.address}/?interval=month&measure=records&species=Bear")
    tab.wait_until(tab.all_drawn)
    link = tab.page.locator(".lead a.picture")
    link.focus()
    tab.page.keyboard.press("ArrowRight")
    tab.wait_until(lambda: tab.page.locator(".value").is_visible())
    assert tab.text(".value") == "Bear, 2024-01: 19"
    assert tab.page.locator("p[role=status].unseen").text_content() == "Bear, 2024-01: 19"
    tab.page.keyboard.press("End")
    tab.wait_until(lambda: tab.text(".value") == "Bear, 2024-06: 19")
    ring = tab.page.locator(".ring").bounding_box()
    assert ring is not None
    tab.page.keyboard.press("Escape")
    assert not tab.page.locator(".value").is_visible()
    tab.page.mouse.move(ring["x"] + 8, ring["y"] + 8)
    tab.wait_until(lambda: tab.page.locator(".value").is_visible())
    assert tab.text(".value") == "Bear, 2024-06: 19"
    tab.page.mouse.move(3, 3)
    tab.wait_until(lambda: not tab.page.locator(".value").is_visible())
    tab.page.touchscreen.tap(ring["x"] + 8, ring["y"] + 8)
    tab.wait_until(lambda: tab.page.locator(".value").is_visible())
    assert tab.page.url.endswith("species=Bear")
    tab.page.touchscreen.tap(ring["x"] + 8, ring["y"] + 8)
    tab.wait_until(lambda: "/api/v1/reports/timeline.svg" in tab.page.url)
    assert tab.complaints == []
    context.close()


def test_without_a_script_the_charts_are_there_and_the_page_renews_itself(
    station: Station, browser: Browser
) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(station.address, wait_until="load")
    images = page.locator("picture img")
    assert images.count() == 9
    for index in range(images.count()):
        box = images.nth(index).bounding_box()
        assert box is not None
        assert box["width"] > 200
        assert images.nth(index).is_visible()
    page.fill("#species", "deer")
    assert not page.locator("#pause").is_visible()  # nothing to pause
    page.click(".filters button")
    assert page.url == f"{station.address}/?species=deer"
    assert page.locator(".latest tbody tr").count() == 9
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    context.close()
