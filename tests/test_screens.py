"""Every page on every screen: nothing too wide, cut off or in the way; light and dark; wall and paper."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ingest import demo
from ingest.outcome import Options
from ingest.run import ingest
from ingest.sources.source import of_file
from tests.axe import findings
from tests.screen import ORIGIN, Screen, screen
from tests.seed import open_app, open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LAID_OUT = (Path(__file__).parent / "laid_out.js").read_text(encoding="utf-8")
OPENED = """() => [...document.querySelectorAll("details")].flatMap((one) => {
    const before = one.open;
    one.open = true;
    const wide = document.documentElement.scrollWidth;
    one.open = before;
    return wide > innerWidth ? [`scrolls sideways to ${wide} with ${one.textContent.slice(0, 30)}`] : [];
})"""
INKS = """() => ["paper", "ink", "muted", "grid", "field", "edge", "accent", "warm", "wash", "fresh"].map(
    (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`))"""
STILL = "document.getAnimations().forEach((one) => one.finish())"
WIDTHS = (320, 768, 1440, 3840)
SCHEMES = ("light", "dark")
PAGES = {
    "all": "/",
    "filtered": "/?species=Red+fox&species=Grus+grus&eventDate=2025-10&country=SI&measure=records",
    "dark by choice": "/?theme=dark",
    "light by choice": "/?species=Lynx+lynx&theme=light",
    "nothing": "/?species=unicorn&eventDate=1990",
    "problem": "/?speces=lynx",
    "in German": "/?lang=de",
    "wall": "/?kiosk",
    "frame": "/embed/species",
    "species": "/species/1?lang=de",
    "place": "/place?locality=Bog",
    "ledger": "/runs",
    "run": "/runs/1",
    "API": "/docs",
    "operation": "/docs/timeline",
}


class House:
    """The application over a year of made-up records, and how more come in."""

    def __init__(self, home: Path) -> None:
        self._home, self._files = home, 0
        self._writer = open_database(f"sqlite:///{home / 'sightings.db'}")
        self._app = open_app(home, title="Station Nord")
        self.client = self._app.test_client()

    def take(self, file: Path, feed: str = "test") -> None:
        list(ingest(self._writer, [of_file(file)], Options(feed=feed)))

    def add(self, *rows: str) -> None:
        self._files += 1
        file = self._home / f"{self._files}.csv"
        file.write_text("\n".join(("species,eventDate,individualCount,locality", *rows)) + "\n")
        self.take(file)

    def close(self) -> None:
        self._app.extensions["sightings"].reader.dispose()
        self._writer.dispose()


@contextmanager
def house(home: Path) -> Iterator[House]:
    opened = House(home)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("full")) as opened:
        demo.write_year(opened._home / "year.csv", date(2025, 11, 30))
        opened.take(opened._home / "year.csv", demo.YEAR_FEED)
        yield opened


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("empty")) as opened:
        yield opened


def looked_over(shown: Screen, soak: bool) -> dict[tuple[int, str], list[str]]:
    """What is wrong with the page at hand, by width and theme."""
    found = {}
    # A theme moves nothing, so that they take turns where there is little time.
    each = itertools.product(WIDTHS, SCHEMES) if soak else zip(WIDTHS, itertools.cycle(SCHEMES))
    for width, scheme in each:
        shown.page.set_viewport_size({"width": width, "height": 900})
        shown.page.emulate_media(color_scheme=scheme)
        found[width, scheme] = shown.page.evaluate(LAID_OUT) + shown.page.evaluate(OPENED)
    return {where: wrong for where, wrong in found.items() if wrong}


@pytest.mark.parametrize("url", PAGES.values(), ids=PAGES.keys())
def test_nothing_is_too_wide_cut_off_or_in_the_way_at_any_width_without_a_script(
    browser: Browser, full: House, url: str, soak: bool
) -> None:
    with screen(browser, full.client, 1440, 900, java_script_enabled=False) as shown:
        shown.open(url)
        assert looked_over(shown, soak) == {}


def test_an_empty_database_fits_every_screen_too(browser: Browser, empty: House, soak: bool) -> None:
    with screen(browser, empty.client, 1440, 900, java_script_enabled=False) as shown:
        for url in ("/", "/?kiosk"):
            shown.open(url)
            assert looked_over(shown, soak) == {}


def test_what_looks_over_a_page_sees_what_is_wrong(browser: Browser, empty: House) -> None:
    with screen(browser, empty.client, 320, 900) as shown:
        shown.open("/")
        assert shown.page.evaluate(LAID_OUT) == []
        for style, complaint in (
            ("width: 40rem", "scrolls sideways"),
            ("width: 3rem; overflow: hidden; white-space: nowrap", "cut off at its side"),
            ("height: .5rem; overflow: hidden", "cut off below"),
            ("position: relative; top: 3rem", "lies over"),
        ):
            shown.page.eval_on_selector(
                ".blank h2", "(one, style) => one.style.cssText = style", style
            )  # through the debugger, which no policy binds
            assert complaint in " ".join(shown.page.evaluate(LAID_OUT))


@pytest.mark.parametrize("url", [url for url in PAGES.values() if "theme=" not in url and url != "/?lang=de"])
def test_axe_finds_nothing_grave_in_either_theme_on_a_phone_or_a_desk(
    browser: Browser, full: House, url: str, soak: bool
) -> None:
    with screen(browser, full.client, 1440, 900) as shown:
        shown.open(url)
        assert gravely(shown, soak) == {}


def test_axe_finds_nothing_grave_where_nothing_is_recorded(browser: Browser, empty: House) -> None:
    with screen(browser, empty.client, 1440, 900) as shown:
        shown.open("/")
        assert gravely(shown, every=True) == {}
        shown.page.eval_on_selector(".blank h2", "one => one.style.color = '#bbb'")
        assert "color-contrast" in str(gravely(shown, every=True))  # it does look


def gravely(shown: Screen, every: bool) -> dict[tuple[int, str], list[str]]:
    """What is grave about the page at hand, by width and theme: two pairs of these, or ``every`` pair."""
    found = {}
    widths = (320, 1440)
    # Colours do not depend on the width.
    for width, scheme in itertools.product(widths, SCHEMES) if every else zip(widths, SCHEMES, strict=True):
        shown.page.set_viewport_size({"width": width, "height": 900})
        shown.page.emulate_media(color_scheme=scheme)
        shown.page.evaluate(STILL)
        found[width, scheme] = findings(shown.page)
    return {where: wrong for where, wrong in found.items() if wrong}


@pytest.mark.parametrize(("width", "height"), [(1920, 1080), (3840, 2160), (1280, 800), (1080, 1920)])
def test_a_wall_shows_one_part_after_the_other_each_whole(
    browser: Browser, full: House, width: int, height: int
) -> None:
    with screen(browser, full.client, width, height) as shown:
        page = shown.page
        page.clock.install()
        shown.open("/?kiosk&lang=de")  # whose words are longer
        names = page.locator("#turns button").all_inner_texts()
        assert len(names) == 6
        for name in names:
            page.wait_for_function(
                "name => document.querySelector('#turns [aria-current=true]').textContent === name", arg=name
            )
            assert page.locator(".slide:visible h2").all_inner_texts() == [name]
            page.evaluate(STILL)
            assert page.evaluate(LAID_OUT) == [], name
            assert page.evaluate("[document.documentElement.scrollHeight, scrollY]") == [height, 0]
            for image in page.locator(".shown img").all():
                box = image.bounding_box()
                assert box is not None
                assert box["y"] + box["height"] <= height
                assert box["height"] > height / 6
            page.clock.run_for(20_000)
        page.wait_for_function(
            "name => document.querySelector('#turns [aria-current=true]').textContent === name", arg=names[0]
        )
        assert shown.complaints == []


def test_a_wall_can_be_paused_and_turned_by_hand_and_follows_the_data(browser: Browser, full: House) -> None:
    with screen(browser, full.client, 1920, 1080) as shown:
        page = shown.page
        page.clock.install()
        shown.open("/?kiosk")

        def shows(part: int) -> None:
            page.wait_for_function(
                "at => document.querySelectorAll('.slide')[at].checkVisibility()"
                " && document.querySelectorAll('#turns button')[at].ariaCurrent === 'true'",
                arg=part,
            )

        shows(0)
        page.keyboard.press("Space")
        assert page.locator("#pause").inner_text() == "Resume"
        page.clock.run_for(60_000)
        shows(0)
        page.keyboard.press("ArrowRight")
        shows(1)
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        shows(5)
        page.locator("#turns button").nth(1).click()
        shows(1)
        page.click("#pause")
        page.clock.run_for(20_000)
        shows(2)
        page.locator("#turns button").nth(1).click()
        before = page.locator(".totals .number").first.inner_text()
        full.add("Lynx lynx,2025-12-01,1,Ridge")
        page.clock.run_for(5_000)
        page.wait_for_function(
            "before => document.querySelector('.totals .number').textContent !== before", arg=before
        )
        shows(1)
        assert "1 new record" in page.inner_text("#news")
        assert "Ridge" in page.inner_text(".latest")
        assert page.evaluate(LAID_OUT) == []
        assert shown.complaints == []


def test_a_wall_does_not_move_where_no_motion_is_wanted_and_is_tall_where_type_is_large(
    browser: Browser, full: House
) -> None:
    with screen(browser, full.client, 1920, 1080, reduced_motion="reduce") as shown:
        page = shown.page
        page.clock.install()
        shown.open("/?kiosk")
        page.wait_for_selector("#turns")
        page.clock.run_for(90_000)
        assert page.locator("#turns [aria-current=true]").inner_text() == "Over time"
        assert page.evaluate("document.getAnimations().length") == 0
        page.keyboard.press("ArrowRight")
        page.wait_for_selector("text=Newest species")
        page.set_viewport_size({"width": 640, "height": 360})  # as on a screen enlarged three times
        page.wait_for_selector("#turns", state="hidden")
        assert page.locator(".slide:visible").count() == 6
        assert page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 20


def test_themes_are_followed_without_leaving_the_page_and_the_focus_stays(
    browser: Browser, full: House
) -> None:
    with screen(browser, full.client, 1280, 900, color_scheme="light") as shown:
        page = shown.page
        shown.open("/?species=Red+fox")
        paper = "getComputedStyle(document.documentElement).backgroundColor"
        light, dark = "rgb(255, 255, 255)", "rgb(20, 25, 29)"
        assert page.evaluate(paper) == light
        page.evaluate("window.here = true")
        page.locator(".themes a", has_text="Dark").focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{ORIGIN}/?theme=dark&species=Red+fox")
        page.wait_for_function(f"() => {paper} === '{dark}'")
        images = page.eval_on_selector_all("picture img", "all => all.map(one => one.currentSrc)")
        assert all("theme=dark" in url for url in images)
        assert page.evaluate("document.activeElement.textContent") == "Dark"
        assert page.locator(".themes [aria-current=true]").inner_text() == "Dark"
        chosen = page.evaluate(INKS)
        page.go_back()
        page.wait_for_function(f"() => {paper} === '{light}'")
        assert page.evaluate("window.here")
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(paper) == dark
        assert page.evaluate(INKS) == chosen
        page.locator(".themes a", has_text="Light").click()
        page.wait_for_function(f"() => {paper} === '{light}'")
        page.locator(".bottom a", has_text="On a wall").click()
        page.wait_for_url(f"{ORIGIN}/?theme=light&kiosk&species=Red+fox")
        assert shown.complaints == []


@pytest.mark.parametrize("url", ["/?species=Red+fox&theme=dark", "/", "/?kiosk"])
def test_on_paper_there_is_light_the_address_the_date_of_the_data_and_every_chart_whole(
    browser: Browser, full: House, url: str
) -> None:
    with screen(browser, full.client, 680, 1000, color_scheme="dark") as shown:  # A4 within its margins
        page = shown.page
        shown.open(url)
        page.emulate_media(media="print", color_scheme="dark")
        assert (
            page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
            == "rgb(255, 255, 255)"
        )
        told = page.inner_text("body")
        assert f"{ORIGIN}/" in told
        assert "Data to " in told
        for selector in ("#filters", ".menu", "#pause", ".skip", ".bottom", "figcaption a"):
            assert page.locator(f"{selector}:visible").count() == 0, selector
        figures = page.locator("figure")
        assert figures.count() > 2
        for figure in figures.all():
            box = figure.bounding_box()
            assert box is not None
            assert box["height"] < 1000
            assert figure.evaluate("one => getComputedStyle(one).breakInside") == "avoid"
        assert page.evaluate(LAID_OUT) == []
        assert page.pdf(format="A4", print_background=True).startswith(b"%PDF")


def test_a_chart_in_a_frame_follows_the_data_and_a_table_that_is_open_stays_open(
    browser: Browser, full: House
) -> None:
    with screen(browser, full.client, 720, 900) as shown:
        page = shown.page
        page.clock.install()
        shown.open("/embed/species?limit=3")
        page.click(".numbers summary")
        table, picture = page.inner_text("tbody"), page.get_attribute("picture img", "src")
        start = len(shown.asked)
        page.clock.run_for(60_000)
        page.wait_for_timeout(300)
        assert shown.asked[start:] == ["/embed/species?limit=3"]
        full.add("Fringilla montifringilla,2025-12-02,7,Ridge")
        page.clock.run_for(60_000)
        page.wait_for_function("before => document.querySelector('tbody').innerText !== before", arg=table)
        assert page.get_attribute("picture img", "src") != picture
        assert page.locator("tbody").is_visible()
        assert shown.complaints == []
