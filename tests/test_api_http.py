"""What any HTTP client may rely on: methods, validators, codings, headers, problems."""

from __future__ import annotations

import gzip
import logging
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

import api.reports
from tests.seed import READING, ingest, open_app, open_database

CHART = "/api/v1/reports/timeline.svg?species=deer"
DATA = "/api/v1/reports/timeline.json?species=deer"
ROUTES = [
    CHART, DATA, "/api/v1/reports/timeline.csv", "/api/v1/reports/species.png", "/api/v1/reports",
    "/api/v1/version", "/api/v1/version?species=deer", "/api/v1/runs", "/api/v1/runs/1",
    "/api/v1/export.csv?species=deer", "/api/v1/export.ndjson", "/api/v1/export.parquet",
    "/api/v1/export.zip",
    "/api/v1/runs/1/rejects.json", "/api/v1/runs/1/rejects.csv", "/livez", "/readyz", "/readyz?verbose",
    "/animal.svg?type=Deer", "/divide.json?numerator=1&denominator=2",
]  # fmt: skip
CONDITIONAL = [
    CHART,
    DATA,
    "/api/v1/reports/species.png",
    "/api/v1/version",
    "/api/v1/runs",
    "/api/v1/export.csv",
    "/api/v1/export.zip",
    "/animal.svg?type=Deer",
]


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def steady(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in ("Date", "Content-Length")}


@pytest.mark.parametrize("url", ROUTES)
def test_head_has_the_headers_of_get_and_no_body(client: FlaskClient, url: str) -> None:
    got, head = client.get(url), client.head(url)
    assert dict(head.headers) == dict(got.headers)
    assert head.status_code == got.status_code == 200
    assert head.data == b""


@pytest.mark.parametrize("url", ROUTES)
def test_nothing_can_be_written(client: FlaskClient, url: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"):
        answer = client.open(url, method=method, data=b"x")
        assert answer.status_code == 405
        assert answer.headers["Allow"] == "GET, HEAD, OPTIONS"
        assert answer.mimetype == "application/problem+json"
        assert b"FOO" not in answer.data
    options = client.options(url)
    assert (options.status_code, options.data) == (204, b"")
    assert sorted(options.headers["Allow"].split(", ")) == ["GET", "HEAD", "OPTIONS"]


@pytest.mark.parametrize("url", CONDITIONAL)
def test_who_has_the_answer_is_told_so_with_the_same_headers(client: FlaskClient, url: str) -> None:
    full = client.get(url)
    tag = full.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', f'"{"y" * 9000}", W/{tag}', "*"):
        answer = client.get(url, headers={"If-None-Match": given})
        assert answer.status_code == 304, given
        assert answer.data == b""
        gone = {"Content-Type", "Content-Encoding", "Content-Disposition"}
        assert {k: v for k, v in steady(full.headers).items() if k not in gone} == steady(answer.headers)
    for given in ("", '"x"', "garbage", tag.strip('"')[:-1], "," * 500):
        assert client.get(url, headers={"If-None-Match": given}).status_code == 200, given


def test_other_conditions_do_no_harm(client: FlaskClient) -> None:
    tag = client.get(CHART).headers["ETag"]
    for headers in (
        {"If-Modified-Since": "Wed, 21 Oct 2065 07:28:00 GMT"}, {"If-Modified-Since": "junk"},
        {"Range": "bytes=0-9"},
        {"If-Match": tag}, {"If-Match": "*"},
    ):  # fmt: skip
        assert client.get(CHART, headers=headers).status_code == 200


@pytest.mark.parametrize("url", [*CONDITIONAL, "/", "/bears.svg", "/api/v1/runs/1/rejects.csv"])
def test_who_wants_only_another_answer_than_there_is_gets_none(
    client: FlaskClient, home: Path, url: str
) -> None:
    (home / "charts").mkdir(exist_ok=True)
    (home / "charts" / "bears.svg").write_text("<svg/>")
    tag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-Match": '"other"'}).status_code == 412
    assert client.get(url, headers={"If-Match": '"other"', "If-None-Match": tag}).status_code == 412
    for given in (tag, "*"):
        assert client.get(url, headers={"If-Match": given}).status_code == 200


@pytest.mark.parametrize("url", [f"{CHART}&limit=x", f"{CHART}&nope=1"])
def test_a_bad_parameter_is_refused_even_of_who_has_the_answer(client: FlaskClient, url: str) -> None:
    tag = client.get(CHART).headers["ETag"]
    for given in (tag, "*"):
        assert client.get(url, headers={"If-None-Match": given}).status_code == 400


def test_nothing_is_drawn_for_who_has_the_answer(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = client.get(CHART).headers["ETag"]

    def never(*_: object) -> Any:
        raise AssertionError("asked")

    timeline = api.reports.REPORTS["timeline"]
    monkeypatch.setitem(
        api.reports.REPORTS, "timeline", replace(timeline, ask=never, shape=never, draw=never)
    )
    assert client.get(CHART, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(CHART).status_code == 200


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [(None, None), ("", None), ("gzip", "gzip"), ("br", "br"), ("gzip, br", "br"),
     ("gzip, deflate, br, zstd", "br"),
     ("gzip;q=0", None), ("br;q=0, gzip", "gzip"), ("br;q=0.1, gzip;q=0.9", "gzip"), ("identity", None),
     ("identity;q=1, gzip;q=0.5", None), ("identity;q=0", None), ("*", "br"), ("*;q=0", None), ("junk", None),
     ("gzip;q=x", None)],
)  # fmt: skip
@pytest.mark.parametrize("url", [CHART, DATA])
def test_each_coding_has_its_own_validator_and_the_same_content(
    client: FlaskClient, url: str, accepted: str | None, expected: str | None
) -> None:
    plain = client.get(url)
    answer = client.get(url, headers={} if accepted is None else {"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == expected
    unpack = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}[expected]
    assert unpack(answer.data) == plain.data
    assert (answer.headers["ETag"] == plain.headers["ETag"]) is (expected is None)
    assert answer.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    again = client.get(
        url,
        headers={"If-None-Match": answer.headers["ETag"]}
        | ({"Accept-Encoding": accepted} if accepted else {}),
    )
    assert again.status_code == 304
    assert again.headers["Vary"] == "Accept-Encoding"


def test_a_hit_has_the_headers_and_the_bytes_of_the_miss(client: FlaskClient) -> None:
    for method, url, coding in (("HEAD", CHART, "gzip"), ("GET", CHART, "identity"), ("GET", CHART, "gzip"),
                                ("GET", DATA, "gzip")):  # fmt: skip
        first = client.open(url, method=method, headers={"Accept-Encoding": coding})
        second = client.open(url, method=method, headers={"Accept-Encoding": coding})
        assert (dict(first.headers), first.data) == (dict(second.headers), second.data)
        assert first.headers["Content-Type"] == ("image/svg+xml" if url == CHART else "application/json")


def test_every_chart_is_asked_for_again_where_no_version_pins_it(client: FlaskClient) -> None:
    for url in (CHART, f"{CHART}&v=1"):
        assert client.get(url).headers["Cache-Control"] == "public, no-cache, stale-if-error=86400"
    assert client.get(CHART).headers["X-Data-Version"] == "1"


def test_a_version_that_is_not_here_yet_is_not_made_up(client: FlaskClient) -> None:
    later = client.get(f"{DATA}&v=2")
    assert (later.status_code, later.headers["Retry-After"], later.json["parameter"]) == (503, "1", "v")
    unknown = client.get(f"{DATA}&asOf=2")
    assert (unknown.status_code, unknown.json["parameter"]) == (404, "asOf")


@pytest.mark.parametrize("url", [*ROUTES, "/nope", f"{DATA}&limit=0", f"{CHART}&limit=0", "/animal.svg",
                         "/bears.svg",
                                 "/divide.json", "/divide.json?numerator=1&denominator=0",
                                 f"{DATA}&v=9"])  # fmt: skip
def test_every_answer_carries_its_protection(client: FlaskClient, url: str) -> None:
    answer = client.get(url)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in policy
    assert ("sandbox" in policy) is answer.mimetype.startswith("image/")
    assert "script-src" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers.get("Access-Control-Allow-Credentials") is None
    if answer.status_code >= 400:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "ETag" not in answer.headers


@pytest.mark.parametrize(
    ("url", "status", "parameter"),
    [("/nope", 404, None), (f"{DATA}&limit=x", 400, "limit"),
     (f"{DATA}&sceintificName=x", 400, "sceintificName"),
     ("/api/v1/reports/nope.json", 404, None), ("/api/v1/reports/timeline.xls", 404, None),
     ("/api/v1/runs/77", 404, None), ("/api/v1/runs/x", 404, None),
     ("/api/v1/runs/99999999999999", 404, None),
     ("/api/v1/runs/77/rejects.csv", 404, None), ("/api/v1/runs?limit=0", 400, "limit"),
     ("/api/v1/version?x=1", 400, "x"), ("/readyz?x", 400, "x"), ("/divide.json", 400, "numerator"),
     (f"{DATA}&species=%ff", 400, None), ("/%2f%2fevil.com", 404, None),
     ("/api/v1/reports/", 404, None), ("/livez/", 404, None), ("/../../etc/passwd", 404, None),
     ("/%00", 404, None)],
)  # fmt: skip
def test_a_problem_is_told_in_one_shape(
    client: FlaskClient, url: str, status: int, parameter: str | None
) -> None:
    answer = client.get(url)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= set(answer.json)
    assert answer.json["status"] == status
    assert answer.json.get("parameter") == parameter
    assert "Location" not in answer.headers
    assert not re.search(r"Traceback|File \"|evil\.com|etc/passwd|SELECT", answer.text)


@pytest.mark.parametrize("path", ["//evil.com", "/\\\\evil.com", "//evil.com/%2e%2e", "/api//v1/reports"])
def test_no_path_leads_off_the_site(client: FlaskClient, path: str) -> None:
    answer = client.get("/", environ_overrides={"PATH_INFO": path})
    assert answer.status_code == 404
    assert "Location" not in answer.headers
    assert "evil" not in answer.text


@pytest.mark.parametrize(
    ("query", "status"), [("timeline.svg?limit=x", 400), ("nope.svg?", 404), ("timeline.svg?v=9", 503)]
)
def test_an_image_that_cannot_be_is_a_card_of_its_size(client: FlaskClient, query: str, status: int) -> None:
    url = f"/api/v1/reports/{query}&width=300&height=200"
    answer = client.get(url)
    card = ET.fromstring(answer.data)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "image/svg+xml")
    assert (card.get("width"), card.get("height")) == ("300", "200")
    png = client.get(url.replace(".svg", ".png"))
    assert (png.status_code, png.headers["Content-Type"]) == (status, "image/png")
    assert (int.from_bytes(png.data[16:20]), int.from_bytes(png.data[20:24])) == (300, 200)


@pytest.mark.parametrize("size", ["9" * 6000, "0" * 30 + "720" + "0" * 5000, "-5", "1e3", "٣٠٠", "2401"])
def test_a_card_has_a_sane_size_whatever_is_asked(client: FlaskClient, size: str) -> None:
    answer = client.get("/api/v1/reports/timeline.svg", query_string={"width": size})
    assert answer.status_code == 400
    assert ET.fromstring(answer.data).get("width") == "720"


def test_an_unknown_name_is_never_written_into_a_page(client: FlaskClient) -> None:
    hostile = "%3Cscript%3Ealert(1)%3C/script%3E"
    for url in (
        f"/{hostile}",
        f"/{hostile}.svg",
        f"{CHART}&{hostile}=1",
        f"{DATA}&{hostile}=1",
        f"/animal.svg?type={hostile}",
    ):
        answer = client.get(url)
        assert answer.status_code in (400, 404)
        assert answer.mimetype != "text/html"
        if answer.mimetype == "image/svg+xml":
            assert not [one for one in ET.fromstring(answer.data).iter() if one.tag.endswith("script")]


def test_the_unexpected_is_logged_whole_and_told_in_general(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> Any:
        raise RuntimeError("the secret of /srv/secret")

    timeline = api.reports.REPORTS["timeline"]
    monkeypatch.setitem(api.reports.REPORTS, "timeline", replace(timeline, shape=broken))
    answer = client.get(DATA)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json["instance"].removeprefix("urn:uuid:") in caplog.text
    assert "the secret of /srv/secret" in caplog.text
    assert len(caplog.records) == 1
    monkeypatch.undo()
    assert client.get(DATA).status_code == 200


def test_a_database_that_is_away_is_503_and_comes_back(home: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = home / "sightings.db"
    ingest(open_database(f"sqlite:///{database}"), READING)
    app = open_app(home)
    client, site = app.test_client(), app.extensions["sightings"]
    database.rename(home / "away.db")
    for url in (DATA, CHART, "/api/v1/version", "/api/v1/runs", "/readyz", "/animal.svg?type=Deer"):
        answer = client.get(url)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5"), url
    assert client.get("/livez").status_code == 200
    database.write_bytes(b"this is no database" * 100)
    assert client.get(DATA).status_code == 503
    assert [record for record in caplog.records if record.levelno == logging.CRITICAL]
    database.unlink()
    (home / "away.db").rename(database)
    site.reader.dispose()
    assert client.get(DATA).status_code == 200
    site.reader.dispose()


def test_a_database_of_another_schema_is_not_ready(client: FlaskClient, home: Path) -> None:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    assert client.get("/readyz").json == {"status": "ok"}
    with writer.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "9999" in answer.json["detail"]


def test_readiness_tells_of_a_dangerous_sqlite(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.liveness.wal_reset_bug", lambda: True)
    assert "WAL-reset" in client.get("/readyz?verbose").json["warnings"][0]
    monkeypatch.setattr("api.routes.liveness.wal_reset_bug", lambda: False)
    told = client.get("/readyz?verbose").json
    assert told["warnings"] == []
    assert told["feeds"]["test"]["status"] == "committed"


def test_the_ledger_tells_of_every_run(client: FlaskClient) -> None:
    [run] = client.get("/api/v1/runs").json["runs"]
    assert (run["run"], run["feed"], run["read"], run["inserted"]) == (1, "test", len(READING), len(READING))
    whole = client.get("/api/v1/runs/1").json
    assert whole.items() >= run.items()
    assert (whole["reasons"], whole["undoneBy"]) == ({}, None)
    assert client.get("/api/v1/runs/1/rejects.json").json == {
        "meta": {"run": 1, "rejected": 0, "listed": 0}, "data": []
    }  # fmt: skip
    assert client.get("/api/v1/runs/1/rejects.csv").text == "line,reason,field,detail,raw\r\n"


def test_a_body_is_refused_where_it_is_posted_and_ignored_where_it_comes_with_a_get(
    client: FlaskClient,
) -> None:
    assert client.post(DATA, data=b"x" * 3_000_000).status_code in (405, 413)
    answer, plain = client.get(DATA, data=b"x" * 3_000_000), client.get(DATA)
    assert (answer.status_code, answer.data, answer.headers["ETag"]) == (
        200, plain.data, plain.headers["ETag"],
    )  # fmt: skip
