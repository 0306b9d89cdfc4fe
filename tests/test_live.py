"""An open page in a real Chromium: what it asks for and shows while data come, what a hand can do with it."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import requests

from tests.station import ANIMALS, Station, Tab, window

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

FRESH_SECONDS = 3
HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One for all: each test takes what is there, and counts from that."""
    station = Station(tmp_path_factory.mktemp("home"))
    station.fill()
    with station.served(workers=2):
        yield station


def answered(address: str, route: str) -> dict[str, float]:
    """How often the server has answered a route with what."""
    told = requests.get(f"{address}/metrics", timeout=10).text
    found = re.findall(
        rf'^sightings_requests_total{{outcome="(\w+)",route="{route}"}} (\S+)$', told, re.MULTILINE
    )
    return {outcome: float(number) for outcome, number in found}


def test_idle_cycles_ask_for_the_version_alone_and_once_a_minute_whether_it_is_still_this_page(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address, clock=time.time())
    tab.wait_until(tab.all_drawn)
    tab.pass_by(4)
    time.sleep(1.1)  # the edge tells once a second what it answered
    start, polled, before = len(tab.requests), len(tab.polls()), answered(station.address, "/api/v1/version")
    tab.pass_by(12, step=100)
    times = [poll["at"] for poll in tab.polls(polled)]
    apart = [after - earlier for earlier, after in pairwise(times)]
    assert len(apart) >= 5
    assert all(1500 <= one <= 2200 for one in apart)
    assert len(set(apart)) > 1  # not all pages of a wall at the same instant
    tab.pass_by(60)
    asked = tab.asked(start)
    assert len(asked["version"]) > 30
    assert len(asked["page"]) == 1
    assert asked["chart"] == asked["other"] == []
    time.sleep(1.1)
    after = answered(station.address, "/api/v1/version")
    assert after == {**before, "304": before.get("304", 0) + len(asked["version"])}  # nothing was sent twice
    tab.page.clock.fast_forward(600_000)
    tab.pass_by(6)
    polled = len(tab.polls())
    tab.pass_by(60, step=500)
    assert 60 / 5 <= len(tab.polls(polled)) <= 60 / 3.75 + 1  # nobody stirs
    tab.page.keyboard.press("Shift")
    tab.pass_by(6)
    polled = len(tab.polls())
    tab.pass_by(20)
    assert len(tab.polls(polled)) >= 9
    assert {urlsplit(url).netloc for url in tab.requests} == {urlsplit(station.address).netloc}
    assert tab.complaints == []


def test_an_ingest_fetches_each_touched_chart_once_and_moves_nothing(
    station: Station, context: BrowserContext
) -> None:
    all_of_it = Tab(context, station.address)
    lynx = Tab(context, f"{station.address}/?species=Lynx")
    all_of_it.page.bring_to_front()
    all_of_it.page.fill("#species", "half a na")
    all_of_it.page.focus("#species")
    all_of_it.page.evaluate("scrollTo(0, 300)")
    all_of_it.await_polls(1)
    assert all_of_it.shift() == 0
    before, start, start_lynx = all_of_it.images(), len(all_of_it.requests), len(lynx.requests)
    records = int(all_of_it.page.get_attribute("#live", "data-records") or 0)
    node = all_of_it.page.query_selector('img[src*="species=Deer"]')
    all_of_it.page.evaluate("window.film()")

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
    assert all_of_it.shift() == 0
    assert all_of_it.page.evaluate("window.blank") == 0
    assert all_of_it.page.evaluate("window.states.size") == 2  # all of it old, then all of it new
    assert all_of_it.page.input_value("#species") == "half a na"
    assert all_of_it.page.evaluate("document.activeElement.id") == "species"
    assert all_of_it.page.evaluate("scrollY") == 300

    lynx.page.bring_to_front()
    lynx.await_polls(2)
    untouched = lynx.asked(start_lynx)
    assert untouched["page"] == untouched["chart"] == untouched["other"] == []
    assert lynx.shift() == 0
    lynx.page.evaluate("document.body.prepend(document.createElement('hr'))")
    assert lynx.shift() > 0  # the measure measures
    assert all_of_it.complaints == lynx.complaints == []


def test_all_panels_show_one_version_and_end_as_a_page_that_is_opened_now(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    tab.page.evaluate("window.film()")
    for day in (1, 2, 3):
        station.ingest(f"Deer,2024-07-{day:02},1,Ridge")
    newest = requests.get(f"{station.address}/api/v1/version", timeout=10).json()["dataVersion"]
    tab.wait_until(lambda: f"version {newest}" in tab.text(".facts"))
    tab.await_polls(2)
    states = [state.split(" http") for state in tab.page.evaluate("[...window.states]")]
    assert len({version for version, *_ in states}) == len(states)  # never a new chart beside old numbers
    assert tab.page.evaluate("window.blank") == 0
    another = Tab(context, station.address)
    another.wait_until(another.all_drawn)
    assert (tab.images(), tab.text(".totals")) == (another.images(), another.text(".totals"))
    assert tab.text(".latest") == another.text(".latest")


def test_another_order_moves_the_charts_that_stay_and_fetches_only_what_is_new(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    wolf = tab.page.locator(".animal:has(h3:text-is('Wolf')) a.picture")
    wolf.focus()
    start, before, shifted = len(tab.requests), tab.images(), tab.shift()
    tab.page.evaluate("window.film()")
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
    assert tab.page.evaluate("window.blank") == 0
    assert wolf.evaluate("one => one === document.activeElement")
    record = tab.page.locator(".latest tbody tr:first-child a").first
    record.focus()
    address = record.get_attribute("href")
    station.ingest("Otter,2024-06-22,1,River")  # the rows are made anew
    tab.wait_until(lambda: "1 new record" in tab.text("#news"))
    assert tab.page.evaluate("document.activeElement.getAttribute('href')") == address
    assert tab.shift() == shifted


def test_a_warning_that_no_longer_holds_goes_and_links_and_names_follow(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, f"{station.address}/?species=Deer&species=Wolf&species=Marten")
    warning, snippet, names = ".warning", ".lead textarea", "#names option"
    assert "marten" in tab.text(warning)
    assert f'src="{station.address}/api' in tab.page.input_value(snippet)
    tab.page.fill("input.more", "half a na")
    link = tab.page.query_selector(".lead a.picture")
    assert link is not None
    assert "interval=month" in str(link.get_attribute("href"))
    station.ingest("Marten,2019-06-21,3,River")
    tab.wait_until(lambda: "1 new record" in tab.text("#news"))
    assert tab.page.locator(warning).count() == 0
    assert "interval=year" in str(link.get_attribute("href"))
    assert link.evaluate("one => one.isConnected")
    snippets = tab.page.eval_on_selector_all(
        ".lead textarea[data-live$=snippet]", "all => all.map(one => one.value)"
    )
    assert "interval=year" in snippets[0]
    assert all(f'src="{station.address}/api' in one for one in snippets)
    assert "Marten" in tab.page.eval_on_selector_all(names, "all => all.map(one => one.value)")
    assert tab.page.input_value("input.more") == "half a na"
    assert tab.complaints == []


def test_a_page_that_nobody_looks_at_or_that_is_paused_or_offline_is_silent(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address, clock=time.time())
    tab.pass_by(4)
    tab.wait_until(lambda: re.fullmatch(r"Checked \d\d:\d\d:\d\d", tab.text("#checked")) is not None)

    def silent() -> None:
        start = len(tab.requests)
        tab.pass_by(120)
        assert tab.requests[start:] == []

    tab.page.evaluate(HIDE, True)
    silent()
    start = len(tab.polls())
    tab.page.evaluate(HIDE, False)
    tab.pass_by(0.1, step=100)
    assert len(tab.polls(start)) == 1  # at once

    tab.page.click("#pause")
    assert tab.text("#news") == "Paused: nothing changes until you resume"
    assert tab.text("#pause") == "Resume"
    shown = tab.images()
    station.ingest("Bear,2024-08-25,1,Ridge")
    silent()
    assert tab.images() == shown
    tab.page.click("#pause")
    tab.pass_by(0.1, step=100)
    tab.wait_until(lambda: tab.text("#news") == "1 new record, data to 25 Aug 2024")
    assert tab.images() != shown
    assert tab.text("#pause") == "Pause"

    context.set_offline(True)
    tab.wait_until(lambda: tab.text("#news") == "This device is offline; what is shown stays.")
    silent()
    context.set_offline(False)
    tab.wait_until(lambda: bool(tab.page.evaluate("navigator.onLine")))
    tab.pass_by(4)
    tab.wait_until(lambda: tab.text("#news") == "")
    assert tab.complaints == []


def test_a_slow_server_is_never_asked_twice_at_a_time(station: Station, context: BrowserContext) -> None:
    tab = Tab(context, station.address, clock=time.time())
    tab.pass_by(4)
    held: list[Any] = []
    tab.page.route("**/api/v1/version*", lambda route: held.append(route))
    tab.pass_by(12, answered=False)
    tab.page.evaluate("dispatchEvent(new Event('online'))")
    tab.page.evaluate(HIDE, False)
    tab.pass_by(2, answered=False)
    tab.wait_until(lambda: len(held) == 1)
    tab.pass_by(10, answered=False)  # it is given up after a quarter of a minute, and then asked again
    tab.wait_until(lambda: len(held) == 2)
    tab.page.unroute("**/api/v1/version*")  # which lets it go on
    tab.pass_by(10)
    polls = tab.polls()
    assert len(polls) >= 6
    assert {poll["beside"] for poll in polls} == {0}


def test_a_server_that_is_gone_is_asked_less_and_less_and_found_again(
    home: Path, context: BrowserContext, soak: bool
) -> None:
    station = Station(home)
    station.ingest(*(f"{animal},2024-05-0{day},1,Valley" for animal in ANIMALS for day in (1, 2)))
    with station.served() as address:
        tab = Tab(context, address, clock=None if soak else time.time())
        tab.wait_until(tab.all_drawn)
        tab.page.wait_for_timeout(3000) if soak else tab.pass_by(4)
        shown, gone = tab.images(), len(tab.polls())
    tab.page.wait_for_timeout(40_000) if soak else tab.pass_by(90, step=500)
    checked = tab.text("#checked").removeprefix("Checked ")
    assert tab.text("#news") == f"No answer from the server since {checked}; trying again."
    times = [poll["at"] / 1000 for poll in tab.polls(gone)]
    apart = [after - before for before, after in pairwise(times)]
    assert all(after > before for before, after in pairwise(apart) if before < 20)
    assert apart[2] > 10
    assert max(apart) < 32
    assert tab.images() == shown
    assert tab.all_drawn()
    with station.served() as again:
        assert again == address
        station.ingest("Bear,2024-05-03,1,Valley")
        tab.page.wait_for_timeout(32_000) if soak else tab.pass_by(40, step=500)
        tab.wait_until(lambda: tab.text("#news") == "1 new record, data to 3 May 2024")
        assert tab.images() != shown
        assert tab.all_drawn()
        polled = len(tab.polls())
        tab.page.wait_for_timeout(9000) if soak else tab.pass_by(9)
        assert len(tab.polls(polled)) >= 4  # as often as ever
        assert {poll["beside"] for poll in tab.polls()} == {0}


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


def test_a_silent_feed_is_told_and_heard_again_on_a_page_left_open_though_nothing_is_committed(
    home: Path, browser: Browser
) -> None:
    file = home / "trail of a secret den.csv"
    file.write_text("species,eventDate\nBear,2024-05-01\nDeer,2024-05-02\n")
    (home / "sightings.toml").write_text(
        f'[[feeds]]\nname = "trail"\npath = "{file}"\nevery = "1h"\nsilent_after = "6s"\n'
        f'[[feeds]]\nname = "pond"\npath = "{file}"\nevery = "1h"\npaused = true\n'
    )
    station = Station(home, SIGHTINGS_CONFIG=str(home / "sightings.toml"))
    station.manage("ingest", "--feed", "pond")
    (run,) = station.manage("ingest", "--feed", "trail")["runs"]
    heard = time.time()
    with station.served() as address, window(browser) as context:
        tab = Tab(context, address, clock=time.time())
        tab.wait_until(tab.all_drawn)
        tab.pass_by(4)
        tab.page.wait_for_timeout(max(0.0, heard + 6.2 - time.time()) * 1000)
        start, shifted, shown = len(tab.requests), tab.shift(), tab.images()
        version = requests.get(f"{address}/api/v1/version", timeout=10).json()
        tab.pass_by(62)
        tab.wait_until(lambda: tab.page.locator(".silent").is_visible())
        told = " ".join(tab.text(".silent").split())
        assert re.fullmatch(
            r"trail was expected by \d+ \w{3} \d{4}, \d\d:\d\d\. "
            r"It has been silent since \d+ \w{3} \d{4}, \d\d:\d\d \((now|1 minute ago)\)",
            told,
        )
        assert "secret" not in tab.page.content()
        assert tab.page.locator(".silent").get_attribute("role") == "status"
        box = tab.page.locator(".silent").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] == 900

        plain = browser.new_page(java_script_enabled=False)
        plain.goto(address)
        assert plain.locator(".silent").is_visible()

        (again,) = station.manage("ingest", "--feed", "trail")["runs"]
        assert (again["status"], again["dataVersion"]) == ("unchanged", run["dataVersion"])
        tab.pass_by(62)
        tab.wait_until(lambda: not tab.page.locator(".silent").is_visible())
        plain.reload()
        assert not plain.locator(".silent").is_visible()
        plain.close()
        assert requests.get(f"{address}/api/v1/version", timeout=10).json() == version
        asked = tab.asked(start)
        assert asked["chart"] == asked["other"] == []
        assert tab.images() == shown
        assert tab.shift() == shifted
        assert tab.complaints == []


def test_the_clock_of_freshness_goes_on_by_the_servers_time_without_a_request(
    station: Station, context: BrowserContext
) -> None:
    ended = datetime.fromisoformat(
        requests.get(f"{station.address}/api/v1/version", timeout=10).json()["ingestedAt"]
    )
    tab = Tab(context, station.address, clock=time.time() - 7200)  # a device whose clock is two hours slow
    tab.pass_by(4)
    minutes = (datetime.now(UTC) - ended).total_seconds() // 60
    ago = ".fresh .clock"
    words = {0: "now", 1: "1 minute ago"}
    said = {words.get(one, f"{one:.0f} minutes ago") for one in (minutes, minutes + 1)}
    assert tab.text(ago).strip() in {f"({one})" for one in said}
    tab.page.click("#pause")
    start, shifted = len(tab.requests), tab.shift()
    for passed, expected in ((600, r"1[0-9] minutes ago"), (3600, "1 hour ago"), (3600 * 26, "yesterday")):
        tab.page.clock.fast_forward(passed * 1000)
        assert re.fullmatch(rf"\s*\({expected}\)", tab.text(ago))
    assert tab.requests[start:] == []
    assert tab.shift() == shifted


def test_another_release_of_the_page_is_taken_up_when_nobody_types(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address, clock=time.time())
    tab.page.evaluate("window.here = true")
    tab.page.eval_on_selector("[rel=stylesheet]", "one => { one.href = '/static/0000/page.css'; }")
    tab.page.fill("#species", "half a na")
    start = len(tab.requests)
    tab.pass_by(66)
    assert tab.asked(start)["page"]
    assert tab.page.evaluate("window.here")
    assert tab.page.input_value("#species") == "half a na"
    tab.page.focus("#pause")
    tab.page.clock.fast_forward(66_000)
    tab.page.wait_for_function("() => !window.here")
    assert "/static/0000/" not in str(tab.page.get_attribute("[rel=stylesheet]", "href"))


def test_filters_are_followed_at_once_are_the_address_and_go_back_and_forth(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(context, station.address)
    tab.await_polls(1)
    wolves = requests.get(f"{station.address}/api/v1/occurrence/count?species=Wolf", timeout=10).json()
    charts = len(tab.images())
    tab.page.evaluate("window.here = true")
    tab.page.fill("#species", "wo")
    tab.wait_until(
        lambda: (
            tab.page.eval_on_selector_all("#names option", "all => all.map(one => [one.value, one.label])")
            == [["Wolf", f"{wolves} records"]]
        )
    )
    tab.page.fill("#species", "wolf")
    tab.page.press("#species", "Enter")
    tab.wait_until(lambda: tab.page.url == f"{station.address}/?species=wolf")
    tab.wait_until(tab.all_drawn)
    assert tab.text("#news") == f"{wolves} records"
    assert tab.page.title().startswith("Wolf")
    assert all("species=Wolf" in url or "species=wolf" in url for url in tab.images().values())
    assert tab.page.input_value("#species") == "Wolf"
    tab.page.focus("#measure")
    tab.page.select_option("#measure", "records")
    tab.page.click(".filters button")
    tab.wait_until(lambda: tab.page.url == f"{station.address}/?species=Wolf&measure=records")
    tab.page.click(".presets >> text=Last 7 days")
    tab.wait_until(lambda: "No records match these filters" in tab.text("main"))
    assert "eventDate=" in tab.page.url
    tab.page.go_back()
    tab.wait_until(lambda: len(tab.images()) == 4)
    tab.page.go_back()
    tab.page.go_back()
    tab.wait_until(lambda: len(tab.images()) == charts)
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


def test_a_link_with_several_filters_opens_as_it_was_sent_and_stays_fresh(
    station: Station, context: BrowserContext
) -> None:
    query = "species=Deer&species=Bear&locality=Valley&eventDate=2024-02-01,2024-03-31"
    address = f"{station.address}/?{query}&measure=records&interval=day"
    tab = Tab(context, address)
    tab.wait_until(tab.all_drawn)
    names = tab.page.eval_on_selector_all("[name=species]", "all => all.map(one => one.value)")
    fields = [tab.page.input_value(f"#{name}") for name in ("place", "from", "to", "measure", "interval")]
    assert sorted(names) == ["", "Bear", "Deer"]
    assert fields == ["Valley", "2024-02-01", "2024-03-31", "records", "day"]
    timeline = tab.images()["timeline"]
    asked_for = {"species=deer", "species=bear", "interval=day", "measure=records"}
    assert asked_for <= set(urlsplit(timeline).query.casefold().split("&"))
    before, start = tab.text(".totals"), len(tab.requests)
    station.ingest("Deer,2024-05-01,1,Valley", "Wolf,2024-03-01,1,Valley")  # neither is within all of them
    tab.await_polls(2)
    asked = tab.asked(start)
    assert asked["chart"] == []
    filters = set(query.casefold().split("&"))
    assert all(set(urlsplit(url).query.casefold().split("&")) == filters for url in asked["version"])
    assert tab.text(".totals") == before
    station.ingest("Deer,2024-03-02,1,Valley")
    tab.wait_until(lambda: tab.text("#news").startswith("1 new record"))
    assert tab.page.url == address
    tab.page.go_back()
    tab.page.go_forward()
    tab.wait_until(lambda: tab.page.url == address)
    assert tab.complaints == []


def test_a_chart_tells_its_values_to_a_mouse_a_finger_and_the_keyboard(
    station: Station, browser: Browser
) -> None:
    with window(browser, has_touch=True) as context:
        tab = Tab(context, f"{station.address}/?interval=month&measure=records&species=Lynx")
        tab.wait_until(tab.all_drawn)
        link = tab.page.locator(".lead a.picture")
        link.focus()
        tab.page.keyboard.press("ArrowRight")
        tab.wait_until(lambda: tab.page.locator(".value").is_visible())
        assert tab.text(".value") == "Lynx, 2024-01: 17"
        assert tab.page.locator("#spoken").text_content() == "Lynx, 2024-01: 17"
        tab.page.keyboard.press("End")
        tab.wait_until(lambda: tab.text(".value") == "Lynx, 2024-06: 17")
        ring = tab.page.locator(".ring").bounding_box()
        assert ring is not None
        tab.page.keyboard.press("Escape")
        assert not tab.page.locator(".value").is_visible()
        tab.page.mouse.move(ring["x"] + 8, ring["y"] + 8)
        tab.wait_until(lambda: tab.page.locator(".value").is_visible())
        assert tab.text(".value") == "Lynx, 2024-06: 17"
        tab.page.mouse.move(3, 3)
        tab.wait_until(lambda: not tab.page.locator(".value").is_visible())
        tab.page.touchscreen.tap(ring["x"] + 8, ring["y"] + 8)
        tab.wait_until(lambda: tab.page.locator(".value").is_visible())
        assert tab.page.url.endswith("species=Lynx")
        tab.page.touchscreen.tap(ring["x"] + 8, ring["y"] + 8)
        tab.wait_until(lambda: "/api/v1/reports/timeline.svg" in tab.page.url)
        assert tab.complaints == []


def test_keys_lead_along_a_series_and_to_the_next_one_and_stay_where_they_are_while_data_come(
    station: Station, context: BrowserContext
) -> None:
    tab = Tab(
        context,
        f"{station.address}/?species=Lynx&species=Deer&eventDate=2024-01-01,2024-06-30&measure=records",
    )

    def press(key: str, expected: str) -> None:
        tab.page.keyboard.press(key)
        tab.wait_until(
            lambda: re.match(expected, tab.page.locator(".value").text_content() or "") is not None
        )

    tab.page.locator("a.picture:has([data-live=timeline])").focus()
    press("ArrowRight", "Deer, 2024-01: ")
    press("ArrowRight", "Deer, 2024-02: ")
    press("ArrowDown", "Lynx, 2024-02: ")
    press("ArrowDown", "Lynx, 2024-02: ")  # there is none below
    press("End", "Lynx, 2024-06: ")
    press("ArrowRight", "Lynx, 2024-06: ")
    press("ArrowLeft", "Lynx, 2024-05: 17")
    station.ingest("Lynx,2024-05-30,1,Ridge")
    tab.wait_until(lambda: tab.text(".value") == "Lynx, 2024-05: 18")  # where one was, as it is now
    press("ArrowUp", "Deer, 2024-05: ")
    press("Home", "Deer, 2024-01: ")
    tab.page.keyboard.press("Alt+ArrowRight")  # the browser's own
    assert tab.text(".value").startswith("Deer, 2024-01: ")
    tab.page.locator("a.picture:has([data-live=species])").focus()
    assert not tab.page.locator(".value").is_visible()
    press("ArrowRight", "Deer: ")  # a ranking is one row
    press("ArrowDown", "Lynx: ")
    press("ArrowUp", "Deer: ")
    tab.page.locator("a.picture:has([data-live=calendar])").focus()
    days = []
    value = tab.page.locator(".value:visible")
    for _ in range(3):
        tab.page.keyboard.press("ArrowRight")
        tab.wait_until(lambda: bool(value.count()) and value.text_content() not in days)
        days.append(tab.text(".value"))
    assert [day.split(": ")[0][-10:] for day in days] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    assert tab.complaints == []


def test_what_the_menu_offers_is_copied_or_left_selected_and_said(station: Station, browser: Browser) -> None:
    with window(browser) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab = Tab(context, station.address)
        page = tab.page
        page.click(".lead .menu summary >> nth=0")
        menu = page.locator(".menu[open]")
        copies = menu.locator("button.copy")
        expected = [*menu.locator("textarea").evaluate_all("all => all.map(one => one.value)")]
        expected.append(menu.locator(".last a").evaluate("one => one.href"))
        assert len(expected) == 4
        interval = expected[2].partition("]")[0].split()[-1]  # by what other tests have brought
        assert [one.split("?")[0] for one in expected] == [
            f'<img src="{station.address}/api/v1/reports/timeline.svg',
            f'<iframe src="{station.address}/embed/timeline',
            f"![Individuals per {interval}]({station.address}/api/v1/reports/timeline.svg",
            f"{station.address}/api/v1/reports/timeline.svg",
        ]
        assert "asOf=" in expected[-1]
        width = copies.first.bounding_box()
        for index, text in enumerate(expected):
            copies.nth(index).click()
            tab.wait_until(lambda index=index: copies.nth(index).inner_text().startswith("Copied"))
            assert page.evaluate("navigator.clipboard.readText()") == text
            assert page.locator("#spoken").text_content() == "Copied"
        assert copies.first.bounding_box() == width
        tab.wait_until(lambda: copies.last.inner_text().startswith("Copy"))

        page.evaluate("navigator.clipboard.writeText('')")
        page.evaluate(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
        )
        copies.nth(3).click()  # as on plain http, the old way
        tab.wait_until(lambda: copies.nth(3).inner_text().startswith("Copied"))
        page.evaluate("delete navigator.clipboard")
        assert page.evaluate("navigator.clipboard.readText()") == expected[3]
        assert page.evaluate("document.activeElement.className") == "copy"
        page.evaluate(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
        )
        page.evaluate("document.execCommand = () => false")
        for index, text in ((0, expected[0]), (3, expected[3])):
            copies.nth(index).click()
            tab.wait_until(lambda: "Selected" in (page.locator("#spoken").text_content() or ""))
            assert page.evaluate("getSelection().toString()") == text
        page.keyboard.press("Escape")
        assert menu.count() == 0
        assert tab.complaints == []


def test_everything_is_reached_and_done_with_the_keyboard_and_what_has_the_focus_is_seen(
    station: Station, browser: Browser
) -> None:
    with window(browser) as context:
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        tab = Tab(context, station.address)
        tab.wait_until(tab.all_drawn)
        page = tab.page
        seen: list[str] = []

        def on(selector: str) -> None:
            for _ in range(120):
                page.keyboard.press("Tab")
                focused = page.evaluate_handle("document.activeElement").as_element()
                assert focused is not None
                seen.append(focused.evaluate("one => one.id || one.className || one.textContent"))
                assert focused.evaluate(_IS_SEEN), seen[-1]
                if focused.evaluate("(one, selector) => one.matches(selector)", selector):
                    return
            pytest.fail(f"{selector} is not reached: {seen}")

        on(".skip")
        on("#pause")
        page.keyboard.press("Enter")
        assert tab.text("#pause") == "Resume"
        page.keyboard.press("Enter")
        assert tab.text("#pause") == "Pause"
        on("#species")
        page.keyboard.type("deer")
        page.keyboard.press("Enter")
        tab.wait_until(lambda: tab.page.url.endswith("?species=deer"))
        tab.wait_until(lambda: page.evaluate("document.activeElement.id") == "species")
        on("a.picture")
        page.keyboard.press("ArrowRight")
        tab.wait_until(lambda: page.locator(".value").is_visible())
        assert tab.text(".value").startswith("Deer, ")
        page.keyboard.press("Escape")
        on("summary")
        page.keyboard.press("Enter")
        on(".menu[open] .copy")
        page.keyboard.press("Enter")
        tab.wait_until(lambda: page.locator("#spoken").text_content() == "Copied")
        assert "species=deer" in page.evaluate("navigator.clipboard.readText()")
        page.keyboard.press("Escape")
        assert page.locator(".menu[open]").count() == 0
        assert page.evaluate("document.activeElement.localName") == "summary"
        assert tab.complaints == []


_IS_SEEN = """one => {
    const box = one.getBoundingClientRect(), style = getComputedStyle(one);
    const within = box.bottom > 0 && box.top < innerHeight && box.width > 1 && box.height > 1;
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    return within && outlined && one.matches(":focus-visible, :focus-within");
}"""
