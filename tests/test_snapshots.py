"""What one request asks of the database: short transactions that only look, each of one snapshot."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import time_machine
from flask import Flask
from sqlalchemy import Engine, event, text
from werkzeug.test import TestResponse

import api.reports
from tests.seed import READING, Record, ingest, open_app, open_database, year
from tests.test_end_to_end import SECONDS, serving
from tests.test_engine import statements

REPORTS = [
    f"/api/v1/reports/{name}.{form}"
    for name, form in zip(
        sorted(set(api.reports.REPORTS) - {"ratio"}), ["svg", "json", "csv", "png"] * 3, strict=False
    )
]
URLS = [
    *REPORTS,
    "/api/v1/reports/ratio.json?numerator=wolf&denominator=deer",
    "/",
    "/api/v1/version",
    "/api/v1/version?species=deer",
    "/api/v1/occurrence/search?limit=20&facet=year",
    "/api/v1/occurrence/count",
    "/api/v1/species/search?q=d",
    "/animal.svg?type=Deer",
]


@pytest.fixture
def writer(home: Path) -> Engine:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    return writer


@pytest.fixture
def app(writer: Engine, home: Path) -> Iterator[Flask]:
    app = open_app(home, cache_url="off")
    yield app
    app.extensions["sightings"].reader.dispose()


def transactions(sent: list[str]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for one in sent:
        parts[-1].append(one)
        if one in ("COMMIT", "ROLLBACK"):
            parts.append([])
    assert parts.pop() == []
    return parts


def test_a_request_reads_in_transactions_that_begin_and_end_and_write_nothing(app: Flask) -> None:
    sent = statements(app.extensions["sightings"].reader)
    for url in (*URLS, "/api/v1/runs", "/readyz?verbose"):
        sent.clear()
        assert app.test_client().get(url).status_code == 200
        assert 1 <= len(transactions(sent)) <= 20, url
        for part in transactions(sent):
            assert (part[0], part[-1] in ("COMMIT", "ROLLBACK")) == ("BEGIN", True), url
            assert all(one.startswith(("SELECT", "WITH", "PRAGMA")) for one in part[1:-1]), part
            assert not any("checkpoint" in one or "journal_mode" in one for one in part)


def seen(answer: TestResponse) -> tuple[int, str, str, bytes]:
    return answer.status_code, answer.headers["X-Data-Version"], answer.headers["ETag"], answer.data


def test_a_commit_in_the_middle_of_a_request_shows_whole_or_not_at_all(app: Flask, writer: Engine) -> None:
    """It falls right behind the first, the second or the third look at the version."""
    reader, client = app.extensions["sightings"].reader, app.test_client()
    looks = {"until": 0}

    def commit(_connection: Any, _cursor: Any, statement: str, *_: object) -> None:
        if "max(run.id)" in statement:
            looks["until"] -= 1
            if looks["until"] == 0:
                number = len(torn)
                more = [year(name, 2016, 3 + number) for name in ("Deer", "Wolf", f"Dormouse {number}")]
                ingest(writer, [*more, Record("Deer", 20170501, count=2 + number, time=7 * 3600)], "later")

    event.listen(reader, "after_cursor_execute", commit)
    torn: list[TestResponse] = []
    for url in URLS:
        for look in (1, 2, 3):
            before = client.get(url)
            looks["until"] = look
            torn.append(client.get(url))
            looks["until"] = 0
            assert seen(torn[-1]) in (seen(before), seen(client.get(url))), (url, look)
    versions = {answer.headers["X-Data-Version"] for answer in torn}
    assert len(versions) > len(URLS)


def everywhere(address: str, tags: dict[str, str]) -> dict[str, int]:
    """The status of each address for who has had it, which every worker has to agree on."""
    found = {}
    for url, tag in tags.items():
        headers = {"If-None-Match": tag, "Connection": "close"}
        statuses = {
            requests.get(address + url, headers=headers, timeout=SECONDS).status_code for _ in range(4)
        }
        assert len(statuses) == 1, url
        found[url] = statuses.pop()
    return found


def test_over_http_only_what_a_commit_touched_is_new_and_nothing_after_one_that_changes_nothing(
    writer: Engine, home: Path
) -> None:
    touched = (
        "/api/v1/reports/timeline.svg?species=deer",
        "/api/v1/reports/timeline.json",
        "/api/v1/reports/species.csv?year=2016",
        "/api/v1/version",
        "/animal.svg?type=Deer",
        "/",
    )
    others = (
        "/api/v1/reports/timeline.svg?species=wolf",
        "/api/v1/reports/species.png?year=2010,2015",
        "/api/v1/reports/recent.csv?species=bear",
        "/api/v1/version?species=wolf",
        "/animal.svg?type=Wolf",
    )
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (_, address):
        first = {url: requests.get(address + url, timeout=SECONDS) for url in touched + others}
        assert {answer.status_code for answer in first.values()} == {200}
        tags = {url: answer.headers["ETag"] for url, answer in first.items()}
        assert set(everywhere(address, tags).values()) == {304}
        ingest(writer, READING)  # which brings nothing new
        assert set(everywhere(address, tags).values()) == {304}
        with closing(sqlite3.connect(home / "sightings.db", isolation_level=None)) as connection:
            for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "ANALYZE"):
                connection.execute(statement)
                assert set(everywhere(address, tags).values()) == {304}, statement
        ingest(writer, [year("Deer", 2016, 5)])
        assert everywhere(address, tags) == {url: 200 if url in touched else 304 for url in tags}
        for url in touched:
            answer = requests.get(address + url, timeout=SECONDS)
            assert answer.content != first[url].content
            assert answer.headers["X-Data-Version"] == "3"
        for url in others:
            answer = requests.get(address + url, timeout=SECONDS)
            assert answer.content == first[url].content
            assert answer.headers["X-Data-Version"] == "3"


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_a_question_that_takes_too_long_is_given_up_in_time_and_its_connection_is_good_for_the_next(
    writer: Engine, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = open_app(home, cache_url="off", query_time_limit="0.5")
    url = "/api/v1/reports/timeline.json"
    assert app.test_client().get(url).status_code == 200
    reader = app.extensions["sightings"].reader
    opened = len(opens(reader))

    def endless(connection: Any, *_: object) -> Any:
        return connection.execute(text(ENDLESS)).all()

    real = api.reports.REPORTS["timeline"]
    monkeypatch.setitem(api.reports.REPORTS, "timeline", replace(real, ask=endless))
    took: list[float] = []
    while not took or (min(took) >= 0.55 and len(took) < 8):  # as others use this machine, too
        started = time.monotonic()
        answer = app.test_client().get(url)
        took.append(time.monotonic() - started)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")
        assert answer.json["type"] == "urn:sightings:problem:too-long"
    assert 0.5 <= min(took) < 0.55
    monkeypatch.undo()
    assert app.test_client().get(url).status_code == 200
    assert len(opens(reader)) == opened == 0
    reader.dispose()


def opens(reader: Engine) -> list[object]:
    """The connections that are opened from now on."""
    found: list[object] = []
    event.listen(reader, "connect", lambda connection, _: found.append(connection))
    return found


def test_where_every_connection_is_taken_who_comes_is_told_to_come_again(app: Flask) -> None:
    reader, url = app.extensions["sightings"].reader, "/api/v1/reports/timeline.json"
    with ExitStack() as slow:
        held = 0
        while held < 15:
            slow.enter_context(reader.connect())
            held += 1
        started = time.monotonic()
        answers: list[TestResponse] = []
        threads = [
            threading.Thread(target=lambda: answers.append(app.test_client().get(url))) for _ in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert 1.9 < time.monotonic() - started < 8
        assert [(one.status_code, one.headers["Retry-After"]) for one in answers] == [(503, "5")] * 3
        assert app.test_client().get("/livez").status_code == 200
    assert app.test_client().get(url).status_code == 200


@pytest.mark.parametrize("hours", [24, -24, 24 * 400, -24 * 400])
def test_a_clock_that_jumps_makes_nothing_stale_for_ever_and_nothing_old(
    writer: Engine, home: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    app = open_app(home)
    client, url = app.test_client(), "/api/v1/reports/timeline.svg?species=deer&year=2012,2014"
    draws: list[int] = []
    real = api.reports.REPORTS["timeline"]
    counting = replace(real, draw=lambda *given: (draws.append(1), real.draw(*given))[1])
    monkeypatch.setitem(api.reports.REPORTS, "timeline", counting)
    before = client.get(url)
    with time_machine.travel(time.time() + hours * 3600):
        again = client.get(url)
        assert (again.data, again.headers["ETag"]) == (before.data, before.headers["ETag"])
        assert again.headers["Cache-Control"] == before.headers["Cache-Control"]
        assert int(again.headers.get("Age", 0)) >= 0
        assert client.get(url, headers={"If-None-Match": before.headers["ETag"]}).status_code == 304
        assert len(draws) == 1  # it was kept over the jump
        ingest(writer, [year("Deer", 2013, 5)])
        after = client.get(url)
        assert (after.headers["X-Data-Version"], after.headers["ETag"] != again.headers["ETag"]) == (
            "2",
            True,
        )
        assert client.get(url).data == after.data
        assert len(draws) == 2  # and what is made now is kept as well
    assert client.get(url).data == after.data
    assert len(draws) == 2
    ingest(writer, [year("Deer", 2014, 6)])
    assert client.get(url).headers["X-Data-Version"] == "3"
    assert client.get(url).data != after.data
    app.extensions["sightings"].reader.dispose()
