"""The pages of a species, of a place and of the ledger in a real Chromium, while another process ingests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from tests.station import Station, Tab

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """Bears and deer on the days of one spring, served; what a test brings is there for the next one."""
    station = Station(tmp_path_factory.mktemp("home"))
    days = [f"2024-{month:02}-{day:02}" for month in (3, 4, 5, 6) for day in range(1, 18)]
    rows = [f"{animal},{day},2,Valley" for animal in ("Bear", "Deer") for day in days]
    station.ingest(*rows, "Bear,2024-06-20,1,Valley")
    with station.served():
        yield station


def asked_of(tab: Tab, since: int, path: str) -> list[str]:
    """What was asked for of one kind."""
    return [url for url in tab.requests[since:] if urlsplit(url).path.startswith(path)]


def test_names_lead_to_pages_that_follow_the_data(station: Station, context: BrowserContext) -> None:
    tab = Tab(context, station.address)
    tab.page.click(".latest th a >> text=Bear")
    tab.wait_until(lambda: "/species/" in tab.page.url)
    tab.wait_until(tab.all_drawn)
    assert tab.text("h1") == "Bear"
    assert len(tab.images()) == 5
    tab.await_polls(1)
    start, before, shifted = len(tab.requests), tab.images(), tab.shift()
    station.ingest("Deer,2024-06-25,1,Valley")  # is nothing to it
    tab.await_polls(2)
    assert asked_of(tab, start, "/species/") == asked_of(tab, start, "/api/v1/reports/") == []
    station.ingest("Bear,2024-06-26,1,Ridge & shore", "Bear,2024-06-27,1,Ridge & shore")
    tab.wait_until(lambda: "2 new records" in tab.text("#news"))
    after = tab.images()
    assert len(asked_of(tab, start, "/species/")) == 1
    changed = [after[name] for name in after if after[name] != before[name]]
    assert sorted(asked_of(tab, start, "/api/v1/reports/")) == sorted(changed)
    assert "Ridge & shore 2" in " ".join(tab.text(".listed").split())
    assert "27 Jun 2024" in tab.text(".totals")
    assert tab.shift() == shifted
    tab.page.click(".latest td a >> text=Ridge & shore")
    tab.wait_until(lambda: "/place?" in tab.page.url)
    tab.wait_until(tab.all_drawn)
    assert tab.text("h1") == "Ridge & shore"
    assert tab.page.locator(".seen tbody tr").count() == 1
    tab.await_polls(1)
    station.ingest("Otter,2024-06-28,1,Ridge & shore")
    tab.wait_until(lambda: tab.page.locator(".seen tbody tr").count() == 2)
    tab.page.click(".seen a >> text=Otter")
    tab.wait_until(lambda: tab.page.title().startswith("Otter"))
    tab.page.click(".handed a >> nth=0")
    tab.wait_until(lambda: tab.page.input_value("#species") == "otter" or "Otter" in tab.page.title())
    assert tab.complaints == []


def test_the_ledger_follows_and_more_filters_open_by_themselves(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.page.click(".bottom a >> text=What was ingested")
    tab.wait_until(lambda: tab.page.url.endswith("/runs"))
    runs = tab.page.locator(".ledger tbody tr").count()
    tab.await_polls(1)
    station.ingest("Bear,2024-06-29,1,Ridge")
    tab.wait_until(lambda: tab.page.locator(".ledger tbody tr.new").count() == 1)
    assert tab.page.locator(".ledger tbody tr").count() == runs + 1
    tab.page.click(".ledger tr.new th a")
    tab.wait_until(lambda: tab.text("h1") == f"Run {runs + 1}")
    tab.page.goto(station.address)
    assert not tab.page.locator("#country").is_visible()
    tab.page.click(".further summary")
    tab.page.fill("#country", "si")
    tab.page.fill("#west", "13.5")
    tab.page.press("#west", "Enter")
    tab.wait_until(lambda: tab.page.url.endswith("/?country=si&bbox=13.5,-90,180,90"))
    tab.wait_until(lambda: "No records match these filters" in tab.text("main"))
    assert tab.page.locator("#country").is_visible()
    assert tab.page.input_value("#country") == "SI"
    tab.page.go_back()
    tab.wait_until(lambda: len(tab.images()) > 4)
    assert tab.complaints == []


def test_they_fit_every_screen_and_need_no_script(station: Station, browser: Browser) -> None:
    bear = Tab(browser.new_context(), station.address).page
    species = bear.get_attribute(".latest th a", "href")
    bear.context.close()
    paths = (str(species), "/place?locality=Valley", "/runs", "/runs/1", "/species/999", "/?country=SI")
    for width, scripted in itertools.product((320, 768, 1440), (True, False)):
        context = browser.new_context(
            viewport={"width": width, "height": 800}, java_script_enabled=scripted, color_scheme="dark"
        )
        for path in paths if scripted or width == 320 else ():
            tab = Tab(context, station.address + path)
            assert tab.page.evaluate("document.documentElement.scrollWidth") == width, path
            assert tab.page.locator("h1").count() == 1, path
            unexpected = [one for one in tab.complaints if "404" not in one]
            assert unexpected == []
        context.close()
