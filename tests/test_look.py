"""The page as one chose it to look: light or dark, and on a wall; kept by every link, never a filter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

from api.page.assets import FOLDER
from tests.conftest import ROOT
from tests.screened import SHOTS
from tests.seed import READING, Record, ingest, open_app
from tests.test_page import MONTHS, page


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Over a dozen years of four animals."""
    ingest(sqlite_writer, [*READING, *MONTHS])
    app = open_app(home, title="Station Nord")
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


def query(url: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_that_of_the_page_of_its_charts_and_of_every_link_to_another_page(
    client: FlaskClient, theme: str
) -> None:
    shown = page(client, f"/?species=Deer&species=Wolf&country=NO&theme={theme}")
    assert shown.all("html")[0]["data-theme"] == theme
    assert {one["content"] for one in shown.all("meta") if one.get("name") == "color-scheme"} == {theme}
    images = shown.urls("img", "src") + shown.urls("source", "srcset")
    assert images
    assert {tuple(query(url)["theme"]) for url in images} == {(theme,)}
    pages = ("/", "/docs", "/place", "/runs", "/species")
    links = [
        url for url in shown.urls("a", "href") if urlsplit(url).path.startswith(pages) and url[1:5] != "api/"
    ]
    assert len(links) > 20
    assert all(len(query(url).get("theme", [])) < 2 for url in links)
    bare = [url for url in links if "theme" not in query(url)]
    assert bare == ["/?species=Deer&species=Wolf&country=NO"]  # that of the system
    assert [one["value"] for one in shown.all("input") if one.get("name") == "theme"] == [theme]
    assert "theme" not in " ".join(one["aria-label"] for one in shown.all("a") if "aria-label" in one)


def test_what_is_taken_elsewhere_follows_whoever_looks_at_it_there(client: FlaskClient) -> None:
    dark, plain = (client.get(f"/?species=Deer{more}").text for more in ("&theme=dark", ""))
    snippets = [re.findall("<textarea[^>]*>([^<]*)<", text) for text in (dark, plain)]
    assert snippets[0] == snippets[1] != []


def test_the_control_names_the_chosen_theme_and_leads_to_the_others(client: FlaskClient) -> None:
    address = "/?species=Deer&measure=records"
    shown = page(client, f"{address}&theme=dark")
    themes = {one["href"]: one.get("aria-current") for one in shown.all("a") if "theme-" in one.get("id", "")}
    assert themes == {
        address: None,
        "/?theme=light&species=Deer&measure=records": None,
        "/?theme=dark&species=Deer&measure=records": "true",
    }
    plain = page(client, address)
    assert "data-theme" not in plain.all("html")[0]
    assert [one["href"] for one in plain.all("a") if one.get("id") == "theme-1"] == [address]


def test_numbers_do_not_depend_on_the_theme_and_one_is_not_a_filter(client: FlaskClient) -> None:
    light, dark = (page(client, f"/?theme={theme}") for theme in ("light", "dark"))
    assert light.text.replace("theme=light", "") == dark.text.replace("theme=dark", "")
    assert "Clear all filters" not in dark.text
    assert client.get("/?theme=auto").status_code == 200
    wrong = page(client, "/?theme=purple&species=Deer", status=400)
    assert "theme must be" in wrong.text
    assert "data-theme" not in wrong.all("html")[0]
    assert not [one for one in wrong.all("input") if one.get("name") == "theme"]


@pytest.mark.parametrize(
    "url",
    [
        "/?speces=Deer&theme=dark",
        "/docs?theme=dark",
        "/docs/timeline?theme=dark",
        "/runs?theme=dark",
        "/runs/1?theme=dark",
        "/species/1?theme=dark",
        "/place?locality=Oslo&theme=dark",
        "/species/999?theme=dark",
    ],
)
def test_other_pages_follow_the_choice_too(client: FlaskClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code in (200, 400, 404)
    assert '<html lang="en" dir="ltr" data-theme="dark">' in answer.text
    ours = re.findall('href="(/(?:(?:docs|runs|species|place)[^"#]*)?(?:[?][^"]*)?)"', answer.text)
    assert len([link for link in ours if "theme=dark" in link]) >= 4


def test_a_chart_in_a_frame_is_on_paper_of_its_own_theme(client: FlaskClient) -> None:
    assert '<html lang="en" dir="ltr" data-theme="dark">' in client.get("/embed/species?theme=dark").text
    assert '<html lang="en" dir="ltr">' in client.get("/embed/species").text
    dark = page(client, "/?theme=dark").urls("a", "href")
    assert [url for url in dark if url.startswith("/embed/species") and "theme=dark" in url]


def test_on_a_wall_there_is_no_form_no_menu_and_nothing_to_follow(client: FlaskClient) -> None:
    wall = page(client, "/?kiosk&eventDate=2012,2015")
    assert wall.all("html")[0]["class"] == "kiosk"
    for tag in ("form", "input", "select", "details", "textarea"):
        assert not wall.all(tag), tag
    assert [one["href"] for one in wall.all("a")] == ["#content"]
    assert len(wall.all("section")) > 4
    assert [one["content"] for one in wall.all("meta") if one.get("http-equiv") == "refresh"] == ["60"]


def test_its_numbers_and_charts_are_those_of_the_page(client: FlaskClient) -> None:
    for filters in ("", "&species=Deer", "&eventDate=2012,2015&theme=dark"):
        desk, wall = (
            page(client, f"/?measure=records{filters}"),
            page(client, f"/?kiosk&measure=records{filters}"),
        )
        assert wall.urls("img", "src") == desk.urls("img", "src")
        assert [one["alt"] for one in wall.all("img")] == [one["alt"] for one in desk.all("img")]
        totals = [
            re.findall("(?s)Totals.*?</section>", client.get(f"/?{kiosk}measure=records{filters}").text)
            for kiosk in ("", "kiosk&")
        ]
        assert totals[0] == totals[1] != []


def test_the_page_leads_to_the_wall_with_the_same_filters(client: FlaskClient) -> None:
    links = page(client, "/?species=Deer&theme=dark").urls("a", "href")
    assert "/?theme=dark&kiosk&species=Deer" in links
    assert client.get("/?kiosk&species=Deer&theme=dark").status_code == 200
    assert client.get("/?kiosk=&species=").location == "/?kiosk"
    assert client.get("/?kiosk=").status_code == 200


def test_a_wall_without_records_says_so(home: Path, client: FlaskClient) -> None:
    assert "No records match these filters" in page(client, "/?kiosk&species=unicorn").text


def test_the_poll_of_the_wall_is_that_of_the_page(client: FlaskClient, sqlite_writer: Engine) -> None:
    before = page(client, "/?kiosk&species=Deer")
    (live,) = [one for one in before.all("div") if one.get("id") == "live"]
    assert live["data-poll"] == "/api/v1/version?species=deer"
    known = {"If-None-Match": client.get("/?kiosk&species=Deer").headers["ETag"]}
    assert client.get("/?kiosk&species=Deer", headers=known).status_code == 304
    ingest(sqlite_writer, [Record("Deer", 20250101)])
    assert client.get("/?kiosk&species=Deer", headers=known).status_code == 200


def test_all_of_our_own_style_and_script_is_small() -> None:
    files = [path for path in FOLDER.iterdir() if path.suffix in (".css", ".js") and path.stem != "docs"]
    assert sum(path.stat().st_size for path in files) < 60_000


def test_the_pictures_of_the_page_are_those_that_are_taken_are_shown_and_are_small() -> None:
    pictures = {path.stem: path for path in (ROOT / "docs" / "pictures").glob("*.png")}
    told = "".join((ROOT / page).read_text(encoding="utf-8") for page in ("README.md", "docs/dashboard.md"))
    assert set(pictures) == set(SHOTS)
    assert not [name for name in pictures if f"pictures/{name}.png" not in told]
    assert not [name for name, path in pictures.items() if path.stat().st_size > 250_000]


def test_the_address_that_is_printed_is_that_of_what_is_shown(client: FlaskClient) -> None:
    (told,) = re.findall('<p class="address"[^>]*>([^<]*)<', client.get("/?species=Deer&theme=dark").text)
    assert told == "/?species=Deer"
