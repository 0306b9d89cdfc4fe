"""Methods and headers on every address that there is: reading for everybody, writing for nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.openapi.operations import OPERATIONS
from tests.seed import READING, ingest, open_app, open_database

EVERY = [one.example or one.path for one in OPERATIONS]
PAGES = ["/", "/docs", "/docs/timeline"]
MISSING = ["/nope", "/nope.svg", "/docs/nope", "/api/v1/runs/99", "/api/v1/reports/nope.png"]
REFUSED = ["/api/v1/runs?limit=0", "/api/v1/reports/species.svg?limit=0", "/?limit=0", "/divide.json?x=1"]
WRITING = ("POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "FOO")
EXPOSED = "ETag, Link, X-Data-Version, Retry-After, Content-Disposition"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    home = tmp_path_factory.mktemp("home")
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    for feed in ("one", "two", "three"):
        ingest(writer, READING, feed=feed)
    (home / "charts").mkdir()
    (home / "charts" / "bears.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def got(client: FlaskClient, url: str, method: str = "GET", **headers: str) -> Any:
    """An answer that is over: an export is a file until it is sent."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.open(url, method=method, headers=sent)
    answer.get_data()
    answer.close()
    return answer


@pytest.mark.parametrize("url", [*EVERY, *PAGES, *MISSING, *REFUSED])
def test_head_is_get_without_its_body_wherever_one_looks(client: FlaskClient, url: str) -> None:
    full, head = got(client, url), got(client, url, "HEAD")
    assert (head.status_code, head.data) == (full.status_code, b"")
    assert dict(head.headers) == dict(full.headers)
    assert int(head.headers["Content-Length"]) == len(full.data)


@pytest.mark.parametrize("url", [*EVERY, *PAGES])
@pytest.mark.parametrize("method", WRITING)
def test_what_is_no_reading_is_405_with_what_is_allowed(client: FlaskClient, url: str, method: str) -> None:
    answer = got(client, url, method, X_Secret="s3cret")
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert answer.headers["Cache-Control"] == "no-store"
    assert "s3cret" not in answer.text
    assert "Access-Control-Allow-Origin" not in answer.headers


@pytest.mark.parametrize("url", [*EVERY, *PAGES])
def test_options_tells_what_is_allowed_and_nothing_more(client: FlaskClient, url: str) -> None:
    answer = got(client, url, "OPTIONS")
    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "Access-Control-Allow-Methods" not in answer.headers


def test_options_of_nothing_is_nothing(client: FlaskClient) -> None:
    answer = got(client, "/nope", "OPTIONS", Origin="https://a.example", Access_Control_Request_Method="GET")
    assert answer.status_code == 404
    assert "Access-Control-Allow-Methods" not in answer.headers


@pytest.mark.parametrize("url", [*EVERY, *(url for url in MISSING if "docs" not in url), "/divide.json?x=1"])
def test_any_site_may_read_without_credentials(client: FlaskClient, url: str) -> None:
    for method in ("GET", "HEAD"):
        answer = got(client, url, method, Origin="https://evil.example", Cookie="a=b")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Expose-Headers"] == EXPOSED
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "evil" not in str(answer.headers)
    if "ETag" in answer.headers:
        again = got(client, url, If_None_Match=answer.headers["ETag"])
        assert (again.status_code, again.headers["Access-Control-Allow-Origin"]) == (304, "*")


@pytest.mark.parametrize("url", PAGES)
def test_no_site_may_read_a_page(client: FlaskClient, url: str) -> None:
    assert "Access-Control-Allow-Origin" not in got(client, url, Origin="https://evil.example").headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_preflight_for_reading_is_granted(client: FlaskClient, method: str) -> None:
    for url in EVERY:
        answer = got(
            client, url, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method=method,
            Access_Control_Request_Headers="if-none-match",
        )  # fmt: skip
        assert answer.status_code == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD"
        assert "If-None-Match" in answer.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "FOO", "get", ""])
def test_a_preflight_for_anything_else_is_refused(client: FlaskClient, method: str) -> None:
    for url in (*EVERY, "/"):
        answer = got(client, url, "OPTIONS", Origin="https://a.example", Access_Control_Request_Method=method)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def score(answer: Any) -> int:
    """Mozilla's HTTP Observatory, as far as headers go: 100 is a plain pass, what is better adds to it.

    After the charts of https://github.com/mdn/mdn-http-observatory/blob/main/src/grader/charts.js; transport
    security is the business of the server in front.
    """
    policy = answer.headers.get("Content-Security-Policy", "")
    rules = dict(re.findall(r"([a-z-]+)((?: [^;]+)?)(?:; |$)", policy))
    script = rules.get("script-src", rules.get("default-src", ""))
    points = 100 if policy else 75
    points += 10 if rules.get("default-src") == " 'none'" and "unsafe" not in script else 0
    points -= 20 if "unsafe" in script else 0
    points += 5 if rules.get("frame-ancestors") == " 'none'" else -20
    points -= 0 if answer.headers.get("X-Content-Type-Options") == "nosniff" else 5
    points += 5 if answer.headers.get("Referrer-Policy") in ("same-origin", "no-referrer") else 0
    shared = answer.headers.get("Access-Control-Allow-Origin") == "*"
    points -= 50 if shared and "Access-Control-Allow-Credentials" in answer.headers else 0
    points -= 20 if "Set-Cookie" in answer.headers else 0
    return points


@pytest.mark.parametrize("url", [*EVERY, *PAGES, *MISSING, *REFUSED, f"/{'a' * 9000}", f"/{'a' * 9000}.svg"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
def test_whatever_the_status_the_headers_protect(client: FlaskClient, url: str, method: str) -> None:
    answer = got(client, url, method)
    assert score(answer) >= 115
    assert answer.headers["Cross-Origin-Resource-Policy"] in ("cross-origin", "same-origin")
    assert "X-Powered-By" not in answer.headers
    assert not re.search(r"[0-9]\.[0-9]", answer.headers.get("Server", ""))
    if answer.status_code >= 400:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.mimetype in ("application/problem+json", "image/svg+xml", "image/png", "text/html")


def test_the_ledger_leads_from_page_to_page(client: FlaskClient) -> None:
    seen, url, pages = [], "/api/v1/runs?limit=1", 0
    while url:
        answer = client.get(url)
        seen += [run["run"] for run in answer.json["runs"]]
        links = re.findall(r'<([^>]*)>; rel="next"', answer.headers.get("Link", ""))
        url, pages = (links[0] if links else ""), pages + 1
    assert (seen, pages) == ([3, 2, 1], 3)
    unchanged = client.get("/api/v1/runs?limit=1", headers={"If-None-Match": "*"})
    assert (unchanged.status_code, "before=3" in unchanged.headers["Link"]) == (304, True)
    assert client.get("/api/v1/runs?before=2").json["runs"][0]["run"] == 1
    assert "Link" not in client.get("/api/v1/runs?limit=3").headers
