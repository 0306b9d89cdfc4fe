"""The pages that explain the API: complete without a script; with one, a real browser sends and shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.openapi.operations import OPERATIONS, Operation
from tests.listening import listening
from tests.seed import READING, ingest, open_app, open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(Path(home), title="Bees & <Bears>")
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def test_the_index_leads_to_every_operation_and_to_an_example_of_each(client: FlaskClient) -> None:
    page = client.get("/docs")
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Bees &amp; &lt;Bears&gt;" in page.text
    for one in OPERATIONS:
        assert f'href="/docs/{one.name}"' in page.text
        assert f'href="{(one.example or one.path).replace("&", "&amp;")}"' in page.text


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_an_operation_tells_of_each_parameter_and_needs_no_script_for_it(
    client: FlaskClient, operation: Operation
) -> None:
    page = client.get(f"/docs/{operation.name}")
    assert page.status_code == 200
    for name in (*operation.parameters.names(), *operation.places):
        assert f"<code>{name}</code>" in page.text
    assert "<style" not in page.text
    assert not re.search(r"<script[^>]*>[^<]", page.text)
    assert not re.search(r'\s(style|on[a-z]+)="', page.text)
    assert not re.search(r'(src|href|action)="(?!/|#)', page.text)


def test_the_pages_are_validated_guarded_and_closed_to_other_sites(client: FlaskClient) -> None:
    for url in ("/docs", "/docs/timeline"):
        page = client.get(url)
        assert client.get(url, headers={"If-None-Match": page.headers["ETag"]}).status_code == 304
        assert "unsafe" not in page.headers["Content-Security-Policy"]
        assert "Access-Control-Allow-Origin" not in page.headers
        assert client.get(f"{url}?x=1").status_code == 400


def test_what_is_no_operation_is_a_page_that_says_so(client: FlaskClient) -> None:
    page = client.get("/docs/timelin")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "did you mean timeline?" in page.text
    assert "<b>x" not in client.get("/docs/<b>x").text


def test_a_site_below_a_path_leads_there(client: FlaskClient) -> None:
    page = client.get("/docs/timeline", environ_overrides={"SCRIPT_NAME": "/bees"}).text
    assert 'data-path="/bees/api/v1/reports/timeline.{form}"' in page
    assert not re.search(r'(src|href)="/(?!bees/)', page)


@pytest.fixture
def page(app: Flask, browser: Browser) -> Iterator[Page]:
    with listening(app) as address:
        context = browser.new_context(base_url=address)
        page = context.new_page()
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda one: one.url.startswith(address) or complaints.append(one.url))
        yield page
        context.close()
        assert not complaints


def test_a_request_is_sent_and_its_picture_shown(page: Page) -> None:
    page.goto("/docs/timeline")
    page.click("text=Filters")
    page.fill("input[name=species]", "Wolf")
    page.fill("input[name=species] >> nth=1", "Deer")
    assert page.inner_text("#address") == "/api/v1/reports/timeline.svg?species=Wolf&species=Deer"
    page.click("button")
    page.wait_for_selector("#body img")
    page.wait_for_function("document.querySelector('#body img').naturalWidth === 720")
    assert page.inner_text("#status").startswith("200 OK")
    page.click("text=Headers")
    assert "x-data-version" in page.inner_text("#headers")


def test_numbers_and_problems_are_shown_as_text_and_the_form_stays_in_the_address(page: Page) -> None:
    page.goto("/docs/timeline#form=json&limit=1&year=2010,2012")
    page.click("button")
    page.wait_for_selector("#body pre")
    assert '"value"' in page.inner_text("#body pre")
    page.fill("input[name=limit]", "<b>x")
    page.click("button")
    page.wait_for_selector("#status:not(.good)")
    assert page.inner_text("#status").startswith("400 BAD REQUEST")
    assert "limit must be a whole number" in page.inner_text("#body pre")
    page.reload()
    assert page.input_value("input[name=limit]") == "<b>x"
    assert page.input_value("select[name=form]") == "json"


def test_what_is_no_text_is_offered_to_be_saved(page: Page) -> None:
    page.goto("/docs/export#form=parquet&year=2010")
    page.click("button")
    page.wait_for_selector("#body a")
    assert page.get_attribute("#body a", "href") == "/api/v1/export.parquet?year=2010"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1600])
def test_the_pages_fit_every_screen(app: Flask, browser: Browser, width: int, scheme: str) -> None:
    with listening(app) as address:
        context = browser.new_context(
            base_url=address, viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        page = context.new_page()
        for url in ("/docs", "/docs/timeline", "/docs/export"):
            page.goto(url)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
        context.close()
