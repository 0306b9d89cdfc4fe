"""Values and bytes that were made to break something are refused in the name of what is at fault, or idle."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

import api.page
import api.reports
from api.asking.occurrence_filters import OccurrenceFilters
from api.openapi.operations import OPERATIONS, Operation
from api.reports import REPORTS
from tests.listening import listening
from tests.seed import READING, Record, ingest, open_app, open_database

if TYPE_CHECKING:
    from playwright.sync_api import Browser

JUNK = [
    "-1", "0", "1e9", "NaN", "1.5", "[]", "9" * 400, "170,-20,-170,inf", "2020,2010", "x" * 5000, "$\\frac{$",
    "<script>alert(1)</script>", "' OR 1=1--", "../../etc/passwd", "a\x00b", "a\r\nX-Evil: 1", "٣", "*,*,*",
    "{{7*7}}", "%s%n", "\u202e", ";DROP TABLE run",
]  # fmt: skip
MARK = "zq9x"
"""What no program writes by itself: where it turns up in a statement, it was written into it."""
LEAKS = re.compile(
    r"Traceback|File \"|\.py\b|SELECT [a-z]+ FROM|sqlite|psycopg|/home|/tmp|/root", re.IGNORECASE
)
PATHS = [
    b"/%zz", b"/%ff%fe", b"/a%00b", b"/%c0%af", b"/%0d%0aX-Evil:%201", b"/api/v1/version;a=b",
    b"/api/v1/reports/timeline%00.svg", b"/api/v1/reports/..%2fversion.json", b"/static/x/%2e%2e%2fconfig.py",
    b"/static/%2e%2e/config.py", b"/static/page.css/..%5c..%5cconfig.py", b"/docs/%2e%2e%2fconfig.py",
    b"/api/v1/runs/1%20OR%201=1", b"/api/v1/runs/-1", b"/api/v1/runs/%D9%A1", b"/api/v1/runs/01",
    b"/%2f%2fevil.example",
    b"/api/v1/export.%2e%2e%2fcsv", b"/api/v1/reports/", b"/docs/", b"/api/v1/runs/", b"/animal.svg/",
]  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    hostile = [
        "<script>alert(document.domain)</script>", '"><svg onload=alert(1)>', "javascript:alert(1)",
        "<foreignObject><body onload=alert(1)></foreignObject>", "]]><!--", "&lt;script&gt;",
        "</text><script/>",
    ]  # fmt: skip
    records = [*READING, *(Record(name, 20240101 + number) for number, name in enumerate(hostile))]
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), records)
    app = open_app(Path(home), title="<script>alert(0)</script>")
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def example(operation: Operation) -> str:
    """An address of the operation that answers, in JSON where it can."""
    url = operation.example or operation.path
    return url.replace(".svg", ".json") if "{form}" in operation.path else url


def own(operation: Operation) -> list[str]:
    """The parameters that are asked of this operation; the filters that many share are asked once."""
    shared = {"timeline": REPORTS["timeline"].parameters, "searchOccurrences": OccurrenceFilters}
    elsewhere = {name for asked, model in shared.items() if asked != operation.name for name in model.names()}
    alike = {name for name in operation.parameters.names() if re.search(r"(?<!country)\.facet", name)}
    return [name for name in operation.parameters.names() if name not in elsewhere | alike]


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: one.name)
def test_junk_is_refused_in_the_name_of_its_parameter_or_understood(
    app: Flask, client: FlaskClient, operation: Operation
) -> None:
    statements: list[str] = []

    def heard(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    url = example(operation)
    path, _, query = url.partition("?")
    given = dict(pair.split("=") for pair in query.split("&") if pair)
    reader = app.extensions["sightings"].reader
    event.listen(reader, "before_cursor_execute", heard)
    try:
        for name in own(operation):
            for junk in (*JUNK, MARK):
                answer = client.get(path, query_string={**given, name: junk})
                answer.get_data()
                answer.close()
                if (name, junk) == ("denominator", "0") and path == "/divide.json":
                    continue  # the reading has 500 there
                assert answer.status_code in (200, 400, 404, 413, 503), (name, junk)
                if answer.status_code == 400 and answer.mimetype == "application/problem+json":
                    assert answer.json.get("parameter", name) == name, (name, junk)
                if answer.status_code == 503:
                    assert name == "v"
                assert answer.status_code == 200 or not LEAKS.search(answer.text)
                assert "X-Evil" not in answer.headers
    finally:
        event.remove(reader, "before_cursor_execute", heard)
    for statement in statements:
        assert MARK not in statement
        assert not any(junk in statement for junk in JUNK if len(junk) > 3)


@pytest.mark.parametrize("path", PATHS)
def test_no_path_breaks_anything_or_is_told_back(client: FlaskClient, path: bytes) -> None:
    raw = unquote_to_bytes(path).decode("latin-1")
    answer = client.get("/", environ_overrides={"PATH_INFO": raw, "RAW_URI": path.decode()})
    assert answer.status_code == 404
    assert answer.mimetype in ("application/problem+json", "image/svg+xml", "text/html")
    assert "Location" not in answer.headers
    assert not LEAKS.search(answer.text)
    assert not re.search(r"evil|config|etc/passwd|OR 1=1", answer.text, re.IGNORECASE)


@pytest.mark.parametrize(
    "query", [b"%zz=1", b"a=%", b"a=%ff", b"a=%c0%af", b"a=%00", b"a=1;b=2", b"%0d%0aX-Evil:1", b"\xff=1",
              b"species=%ed%a0%80", b"=1", b"&".join(b"a%d=1" % number for number in range(300))],
)  # fmt: skip
def test_no_query_breaks_anything_or_is_told_back(client: FlaskClient, query: bytes) -> None:
    for operation in OPERATIONS:
        path = example(operation).partition("?")[0]
        answer = client.get(path, environ_overrides={"QUERY_STRING": query.decode("latin-1")})
        answer.get_data()
        answer.close()
        assert answer.status_code in (400, 404), path  # 404: of what has no parameters but a name
        assert answer.mimetype in ("application/problem+json", "image/svg+xml")
        assert "X-Evil" not in answer.headers
        assert not LEAKS.search(answer.text)


def test_what_is_refused_leaves_nothing_in_the_cache(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    cache = app.extensions["sightings"].cache
    kept: list[str] = []
    put = cache.put
    try:
        object.__setattr__(cache, "put", lambda answer: kept.append(answer.key) or put(answer))
        url = "/api/v1/reports/timeline.json?species=wolf&year=2011"
        for query in ("&utm=1", "&utm=2", "&year=02011", "&limit=08", "&Species=x", "&species=", "&_=17"):
            assert client.get(url + query).status_code == 400
        assert not kept
        same = ["", "&interval=year", "&limit=8&measure=individuals", "&v=1", "&width=300", "&theme=dark"]
        assert {client.get(url + query).data for query in same} == {client.get(url).data}
        for name in ("WOLF", "%57olf", "+wolf+", "wolf&species=Wolf"):
            other = f"/api/v1/reports/timeline.json?year=2011&species={name}"
            assert client.get(other).data == client.get(url).data
        assert len(kept) == 1
    finally:
        object.__setattr__(cache, "put", put)


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS.keys())
def test_a_failure_in_any_room_is_told_in_general_and_logged_once(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, report: Any
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("SELECT secret FROM secrets in /srv/secret.py")

    needed = dict.fromkeys(report.parameters.required(), "Wolf")
    for room in ("ask", "shape", "draw"):
        monkeypatch.setitem(api.reports.REPORTS, report.name, replace(report, **{room: broken}))
        for form in ("json", "csv", "svg") if room != "draw" else ("svg", "png"):
            caplog.clear()
            query = {**needed, "locality": f"{room} {form}"}  # asked by nobody before, so kept by nobody
            answer = client.get(f"/api/v1/reports/{report.name}.{form}", query_string=query)
            assert answer.status_code == 500
            assert answer.headers["Cache-Control"] == "no-store"
            assert not LEAKS.search(answer.data.decode("latin-1"))
            (record,) = caplog.records
            name = re.search(r"\(([0-9a-f-]{36})\)", record.getMessage())
            assert name
            assert record.exc_info
            if form in ("json", "csv"):
                assert answer.json["instance"] == f"urn:uuid:{name[1]}"
            elif form == "svg":
                assert name[1][:18] in "".join(ET.fromstring(answer.data).itertext())


def test_a_page_that_cannot_be_written_says_so(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> Any:
        raise RuntimeError("a secret in /srv/page.py")

    monkeypatch.setattr(api.page, "compose", broken)
    answer = client.get("/?species=nobody")
    assert (answer.status_code, answer.mimetype) == (500, "text/html")
    assert "secret" not in answer.text
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    "query",
    ["timeline.svg?interval=day&limit=200", "species.svg?limit=200", "recent.svg?limit=200",
     "nope.svg?<script>",
     "timeline.svg?title=<script>alert(1)</script>", "timeline.svg?limit=<script>alert(1)</script>"],
)  # fmt: skip
def test_a_picture_that_is_opened_runs_nothing(app: Flask, browser: Browser, query: str) -> None:
    with listening(app) as address:
        page = browser.new_page()
        heard: list[str] = []
        page.on("dialog", lambda dialog: (heard.append(dialog.message), dialog.dismiss()))
        page.on("request", lambda one: one.url.startswith(address) or heard.append(one.url))
        answer = page.goto(f"{address}/api/v1/reports/{query}")
        assert answer is not None
        assert "sandbox" in answer.headers["content-security-policy"]
        assert page.evaluate("document.documentElement.tagName") == "svg"
        assert not page.evaluate("document.querySelectorAll('script, foreignObject, a, image, use').length")
        page.wait_for_timeout(100)
        page.close()
        assert not heard
