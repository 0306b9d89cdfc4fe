"""The dashboard in a real Chromium, as whoever has no script finds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.station import Station

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture
def station(home: Path) -> Iterator[Station]:
    """Four animals on the days of one spring, served."""
    station = Station(home)
    station.fill()
    with station.served():
        yield station


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
