"""Languages: every text is in every catalogue, and who asks in a language is answered in it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from babel.messages.catalog import Message
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.answering.negotiation import preferred
from api.speech import (
    _,
    date_in_words,
    direction,
    languages,
    months,
    name_of,
    ngettext,
    plural_kinds,
    speaking,
    weekdays,
)
from api.speech.catalogues import ENGLISH
from tests.conftest import ROOT
from tests.files import manage_json
from tests.mirrored import answering, mirrored, spoken
from tests.seed import READING, Record, ingest, open_app
from tests.worded import anew, held, said

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOREIGN = [language for language in languages() if language != ENGLISH]
_BLANK = re.compile(r"%\((\w+)\)s")
MARKING = ("_", "ngettext", "pgettext", "npgettext", "later")


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    app = open_app(home, title="Station Nord")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def forms(message: Message) -> list[str]:
    return [message.string] if isinstance(message.string, str) else list(message.string)


def sources(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


@pytest.mark.parametrize("language", FOREIGN)
def test_every_text_is_in_every_catalogue_and_nothing_else(language: str) -> None:
    """``make words`` collects them; then the empty ones have to be filled."""
    used = {(message.context, message.id) for message in said() if message.id}
    there = {(message.context, message.id) for message in held(language) if message.id}
    assert there == used
    assert (ROOT / "api" / "languages" / f"{language}.po").read_bytes() == anew(language), "make words"


def test_every_call_that_says_a_text_is_found() -> None:
    """A call within the arguments of another one would not be."""
    found = {message.id[0] if isinstance(message.id, tuple) else message.id for message in said()}
    for path in sorted((ROOT / "api").rglob("*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in MARKING:
                text = call.args[call.func.id in ("pgettext", "npgettext")]
                assert not isinstance(text, ast.JoinedStr), f"{path}:{call.lineno}"
                assert not isinstance(text, ast.Constant) or text.value in found, f"{path}:{call.lineno}"


@pytest.mark.parametrize("language", FOREIGN)
def test_every_text_is_translated_with_all_that_is_filled_into_it(language: str) -> None:
    for message in (one for one in held(language) if one.id):
        assert not message.fuzzy, message.id
        wanted = {frozenset(_BLANK.findall(source)) for source in sources(message)}
        if message.pluralizable:  # one of something may be told without a number
            wanted |= {blanks - {"num"} for blanks in wanted}
        for form in forms(message):
            assert form, message.id
            assert frozenset(_BLANK.findall(form)) in wanted, (message.id, form)
            assert form % dict.fromkeys(_BLANK.findall(form), "")
            # It stands in HTML and in attributes as it is.
            assert not set('<>"&') & set(form), form


def test_who_speaks_several_languages_gets_the_best_that_there_is() -> None:
    offered = ("en", "de", "pt-BR")
    for accepted, expected in {
        "": "en",
        "fr": "en",
        "de-AT,en;q=0.9": "de",
        "fr,de;q=0.5,en;q=0.7": "en",
        "DE": "de",
        "pt": "en",
        "pt-br": "pt-BR",
        "de;q=0": "en",
        "*": "en",
        "de-Latn-DE-1996": "de",
        "junk;;;q=x,,": "en",
        "de," + "xx," * 5_000: "de",
        "xx," * 5_000 + "de": "en",
    }.items():
        assert preferred(accepted, offered) == expected, accepted


def test_a_language_writes_dates_numbers_and_plurals_its_own_way() -> None:
    assert (months()[4], weekdays()[0], date_in_words(5, 3, 2021)) == ("May", "Mon", "3 May 2021")
    with speaking("de"):
        assert (months()[4], weekdays()[0]) == ("Mai", "Mo")
        assert date_in_words(5, 3, 2021) == "3. Mai 2021"
        assert date_in_words(11, year=2021) == "Nov. 2021"
        assert date_in_words(5, 3) == "3. Mai"
        assert [ngettext("%(num)s record", "%(num)s records", num) for num in (1, 2)] == [
            "1 Beobachtung",
            "2 Beobachtungen",
        ]
        assert _("Data to %(day)s", day="heute") == "Daten bis heute"
        assert (direction(), plural_kinds("de")) == ("ltr", {"other": 0, "one": 1})
    assert [name_of(tag) for tag in ("en", "de")] == ["English", "Deutsch"]
    assert _("Data to %(day)s", day="today") == "Data to today"


def test_the_address_says_the_language_else_the_browser_else_it_is_english(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    german = {"Accept-Language": "de-CH,de;q=0.9,en;q=0.5"}
    for url, headers, language in (
        ("/", {}, "en"),
        ("/", german, "de"),
        ("/?lang=en", german, "en"),
        ("/?lang=de", {}, "de"),
        ("/?species=Deer", german, "de"),
        ("/?speces=Deer", german, "de"),
        ("/?lang=xx", german, "de"),
        ("/embed/timeline", german, "de"),
        ("/embed/timeline?lang=de", {}, "de"),
    ):
        answer = client.get(url, headers=headers)
        assert answer.headers["Content-Language"] == language, url
        assert f'<html lang="{language}" dir="ltr"' in answer.text
        asked = "lang=de" in url or "lang=en" in url
        assert ("Accept-Language" in answer.headers["Vary"]) is not asked, url
        if answer.status_code == 200:
            known = {**headers, "If-None-Match": answer.headers["ETag"]}
            same = client.get(url, headers=known)
            assert (same.status_code, same.headers["Vary"]) == (304, answer.headers["Vary"])
    assert client.get("/").headers["ETag"] != client.get("/", headers=german).headers["ETag"]
    assert client.get("/?lang=xx").status_code == 400
    assert "Content-Language" not in client.get("/docs", headers=german).headers


def test_a_chosen_language_is_kept_in_all_links_and_by_the_form(
    client: FlaskClient, sqlite_writer: Engine
) -> None:
    ingest(sqlite_writer, READING)
    text = client.get("/?lang=de&species=Deer&species=Wolf").text
    pages = re.findall(r'href="(/(?:\?[^"]*)?)"', text)
    assert len(pages) > 5
    (english,) = [page for page in pages if "lang=de" not in page]
    assert english == "/?lang=en&amp;species=Deer&amp;species=Wolf"
    assert '<form class="filters" action="/"' in text
    assert '<input type="hidden" name="lang" value="de">' in text
    sent = client.get("/?lang=de&species=&species=Deer&from=&measure=")
    assert sent.location == "/?lang=de&species=Deer"
    assert 'class="chips"' not in text
    # Who did not choose one hands no language on: the next one has his own.
    negotiated = client.get("/", headers={"Accept-Language": "de"}).text
    assert [page for page in re.findall(r'href="(/\?[^"]*)"', negotiated) if "lang=" in page] == ["/?lang=en"]


def test_the_style_of_the_pages_knows_beginnings_and_ends_and_no_left_and_right() -> None:
    for sheet in set((ROOT / "api" / "static").glob("*.css")) - {ROOT / "api" / "static" / "docs.css"}:
        text = sheet.read_text(encoding="utf-8")
        assert not re.findall(
            r"[^{};]*-(?:left|right)\s*:|text-align: (?:left|right)|[{;]\s*(?:left|right)\s*:", text
        )


def test_a_language_from_right_to_left_needs_nothing_but_its_catalogue(
    home: Path, sqlite_writer: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, browser: Browser
) -> None:
    ingest(sqlite_writer, [*READING, *(Record("Lynx", 20240300 + day, count=day) for day in range(1, 29))])
    app = open_app(home, title="Station Nord")
    with spoken(tmp_path, monkeypatch), answering(app) as address:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ar")
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.goto(address)
        assert page.evaluate("[document.documentElement.lang, document.documentElement.dir]") == ["ar", "rtl"]
        assert page.inner_text("h2 >> nth=2") == mirrored("Lately")

        def box(selector: str) -> dict[str, float]:
            found = page.locator(selector).first.bounding_box()
            assert found
            return found

        # What comes first is on the right, and lines up there.
        assert box(".totals dl > div")["x"] > box(".totals dl > div:nth-child(2)")["x"]
        right = {round(one["x"] + one["width"]) for one in map(box, ("h1", "#filters", "h3#h-records"))}
        assert len(right) == 1
        assert box(".latest th")["x"] > box(".latest th.place")["x"]
        page.locator(".menu summary").first.click()
        menu, figure = box(".menu > div"), box("figure")
        assert figure["x"] <= menu["x"] < menu["x"] + menu["width"] <= figure["x"] + figure["width"]
        # A chart runs from left to right: the arrow key to the right leads to what is later.
        page.locator("a.picture").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_selector(".value:not([hidden])")
        first, shown = box(".value"), box(".ring")
        assert first["x"] <= shown["x"] + shown["width"] / 2 <= first["x"] + first["width"]
        page.keyboard.press("ArrowRight")
        page.wait_for_function(
            "(x) => document.querySelector('.ring').getBoundingClientRect().x > x", arg=shown["x"]
        )
        for path in ("/", "/species/1", "/place?locality=Oslo", "/runs/1", "/embed/diel"):
            page.goto(address + path)
            for width in (320, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, (path, width)
        assert not complaints
        context.close()
    app.extensions["sightings"].reader.dispose()


def test_nothing_of_a_german_page_is_in_english(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [*READING, *(Record("Lynx", 20240300 + day, count=day) for day in range(1, 29))])
    pages = ["/", "/?species=Lynx", "/?species=nobody&country=NO", "/?speces=Lynx", "/embed/phenology"]
    shown = " ".join(client.get(page, headers={"Accept-Language": "de"}).text for page in pages)
    pictures = {unescape(url) for url in re.findall(r'(?:src|srcset)="(/api[^"]+)"', shown)}
    assert all("lang=de" in url for url in pictures)
    shown += " ".join(client.get(url).text for url in pictures)
    texts = [message for message in held("de") if isinstance(message.id, str) and " " in message.id]
    english = {text.id for text in texts if text.id != text.string}
    assert not {text for text in english if f">{text}" in shown or f'"{text}' in shown}
    assert "Individuen pro Jahr" in shown
    assert "Zu diesen Filtern gibt es keine Beobachtungen" in shown


def test_a_chart_speaks_and_its_numbers_do_not(client: FlaskClient, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, READING)
    timeline = "/api/v1/reports/timeline"
    plain, english, german = (client.get(f"{timeline}.svg{more}") for more in ("", "?lang=en", "?lang=de"))
    assert (plain.data, plain.headers["ETag"]) == (english.data, english.headers["ETag"])
    assert "Individuals per year" in plain.text
    assert "Individuen pro Jahr" in german.text
    assert german.headers["ETag"] != plain.headers["ETag"]
    assert "Accept-Language" not in german.headers["Vary"]
    for form in ("json", "csv"):
        same = client.get(f"{timeline}.{form}"), client.get(f"{timeline}.{form}?lang=de")
        assert same[0].data == same[1].data
    wrong = client.get(f"{timeline}.json?lang=xx").get_json()
    assert wrong["detail"] == "lang must be one of en, de."


def test_species_are_called_as_the_visitor_calls_them_where_a_source_says_how(
    home: Path, client: FlaskClient
) -> None:
    for name, fox, place in (("German name", "Rotfuchs", "Tal"), ("English name", "Red fox", "Valley")):
        file = home / f"{place}.csv"
        file.write_text(
            f"scientific name,{name},date,locality\n"
            f"Vulpes vulpes,{fox},2024-05-01,{place}\nVulpes vulpes,{fox},2024-05-02,{place}\n"
            "Meles meles,,2024-05-02,\n"
        )
        assert manage_json(home, "ingest", file)["runs"][0]["inserted"] == 3
    for language, name, other in (("de", "Rotfuchs", "Red fox"), ("en", "Red fox", "Rotfuchs")):
        page = client.get("/", headers={"Accept-Language": language}).text
        table = page[page.index("<tbody") : page.index("</tbody>")]
        assert (table.count(name), table.count(other)) == (4, 0)
        assert f'<option value="{name}">' in page
        for report in ("species", "recent"):
            picture = client.get(f"/api/v1/reports/{report}.svg?lang={language}").text
            assert name in picture
            assert other not in picture
        assert (
            client.get(f"/api/v1/reports/summary.json?species={name}").get_json()["data"][0]["records"] == 4
        )
    # Programs get the name that came first, whoever asks.
    rows = client.get("/api/v1/reports/species.json", headers={"Accept-Language": "en"}).get_json()["data"]
    assert rows[0]["vernacularName"] == "Rotfuchs"
    names = client.get(f"/api/v1/species/{rows[0]['taxonKey']}").get_json()["vernacularNames"]
    assert {(one["vernacularName"], one["language"]) for one in names} == {
        ("Rotfuchs", "de"),
        ("Red fox", "en"),
    }
