"""Answers that are there before anybody asks: those of the page and the most asked, and no others."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine

import config
from api.answering.render import make
from api.factory import create_warm_up
from api.warming import warm as warming
from api.warming.warm import Round, warm
from api.warming.watch import WarmUp
from tests.files import environment, manage
from tests.seed import READING, Record, ingest, open_app
from tests.test_end_to_end import until
from tests.test_page import page

REPORTS = "/api/v1/reports/"


def warm_up(home: Path, **settings: str) -> WarmUp:
    return create_warm_up(config.load(environment(home, **settings)))


@pytest.fixture
def client(home: Path, sqlite_writer: Engine) -> Iterator[FlaskClient]:
    """Of a server over the records of the reading, that shares its home with the warm-up."""
    ingest(sqlite_writer, READING)
    app = open_app(home)
    yield app.test_client()
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def nothing_may_be_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not kept fails from now on."""

    def make(*_: object) -> None:
        raise AssertionError("this was not kept, and had to be made")

    monkeypatch.setattr("api.answering.answers.make", make)
    monkeypatch.setattr("api.page._make", make)


def pictures(client: FlaskClient) -> list[str]:
    """Every picture that the page embeds, for whatever screen."""
    shown = page(client)
    return shown.urls("img", "src") + [one["srcset"] for one in shown.all("source")]


def asked(client: FlaskClient, url: str, times: int = 1) -> None:
    for _ in range(times):
        assert client.get(url).status_code == 200, url


def write_counts(client: FlaskClient) -> None:
    client.application.extensions["sightings"].asked_for.write()


def test_the_first_view_of_the_page_after_an_ingest_finds_everything_made(
    home: Path, client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    done = warm_up(home, misses_per_minute="1").once()
    assert (done.version, done.made, done.kept, done.left, done.failures) == (1, 18, 0, 0, [])
    request.getfixturevalue("nothing_may_be_made")
    shown = pictures(client)
    assert len(shown) == 17
    assert [client.get(url).status_code for url in shown] == [200] * 17


def test_what_a_commit_did_not_touch_is_not_made_again(
    home: Path, client: FlaskClient, sqlite_writer: Engine, request: pytest.FixtureRequest
) -> None:
    warmer = warm_up(home)
    warmer.once()
    ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
    done = warmer.once()
    # The two sizes of deer and of wolves stay; the page, timeline, ranking, map and the bears do not,
    # and the day of that record makes a season, first and last days and a calendar to be drawn.
    assert (done.version, done.made, done.kept) == (2, 1 + 3 + 4 + 4 + 2 + 3 + 4 + 4, 4)
    request.getfixturevalue("nothing_may_be_made")
    assert {client.get(url).status_code for url in pictures(client)} == {200}
    assert (warmer.once().made, warmer.once().kept) == (0, 29)


def test_a_language_that_is_spoken_is_warmed_too(
    home: Path, client: FlaskClient, sqlite_writer: Engine, request: pytest.FixtureRequest
) -> None:
    german = {"Accept-Language": "de"}
    asked(client, f"{REPORTS}timeline.svg?species=Wolf&lang=de", 2)
    write_counts(client)
    ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
    assert warm_up(home).once().failures == []
    request.getfixturevalue("nothing_may_be_made")
    shown = client.get("/", headers=german).text
    urls = [unescape(url) for url in re.findall(r'(?:src|srcset)="(/api[^"]+)"', shown)]
    assert len(urls) > 20
    assert all("lang=de" in url for url in urls)
    assert {client.get(url).status_code for url in urls} == {200}


def test_what_is_asked_most_is_made_and_a_flood_of_others_is_not(
    home: Path, client: FlaskClient, sqlite_writer: Engine, request: pytest.FixtureRequest
) -> None:
    asked(client, f"{REPORTS}map.svg?species=Bear&width=400", 3)
    asked(client, f"{REPORTS}timeline.csv?species=deer&interval=year", 2)
    asked(client, f"{REPORTS}timeline.csv?species=Deer&measure=records", 1)
    counts = client.application.extensions["sightings"].asked_for
    for width in range(300, 2_400):
        counts.count(f"{REPORTS}timeline.svg?species=Bear&width={width}")
    write_counts(client)
    ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
    done = warm_up(home).once()
    assert (done.made, done.kept, done.failures) == (29 + 1, 1, [])
    request.getfixturevalue("nothing_may_be_made")
    asked(client, f"{REPORTS}map.svg?width=400&species=Bear&v=2")
    with pytest.raises(AssertionError):
        asked(client, f"{REPORTS}timeline.svg?species=Bear&width=300")


def test_a_chart_that_follows_its_version_is_made_under_the_next_one(
    home: Path, client: FlaskClient, sqlite_writer: Engine, request: pytest.FixtureRequest
) -> None:
    shown = [url for url in pictures(client) if "species=Bear" in url]
    larger = shown[0].replace("width=400", "width=1000")
    for _ in range(2):
        client.get(larger)
    write_counts(client)
    ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
    warm_up(home).once()
    request.getfixturevalue("nothing_may_be_made")
    assert "v=1" in larger
    asked(client, larger.replace("v=1", "v=2"))


def test_a_304_counts_and_what_is_refused_does_not(home: Path, client: FlaskClient) -> None:
    url = f"{REPORTS}map.svg?species=Bear"
    tag = client.get(url).headers["ETag"]
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 304
    for _ in range(3):
        assert client.get(f"{REPORTS}map.svg?species=Bear&width=1").status_code == 400
        assert client.get(f"{REPORTS}ratio.svg?numerator=Bear&denominator=Unicorn").status_code == 404
    write_counts(client)
    done = warm_up(home).once()
    assert (done.made, done.kept) == (18, 1)


def test_while_no_slot_is_free_nothing_is_made_and_nobody_is_waited_for(
    home: Path, client: FlaskClient
) -> None:
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        return len(waits) == 3

    server = open_app(home, render_slots="1")
    app = warm_up(home, render_slots="1")._app
    began = time.monotonic()
    with server.extensions["sightings"].slots.taken():
        done = warm(app, home / "asked", wait)
    assert (done.made, done.left, waits) == (0, 1, [warming.POLITE_SECONDS] * 3)
    assert time.monotonic() - began < 5


def test_a_request_waits_for_one_making_of_the_warm_up_at_most(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[tuple[str, float]] = []

    def slow(*given: object) -> object:
        begun.append((threading.current_thread().name, time.monotonic()))
        time.sleep(0.1)
        return make(*given)  # type: ignore[arg-type]

    monkeypatch.setattr("api.answering.answers.make", slow)
    visitor = open_app(home, render_slots="1").test_client()
    warmer = threading.Thread(target=warm_up(home, render_slots="1").once, name="warmer")
    warmer.start()
    assert until(lambda: "warmer" in dict(begun))
    asked_at = []
    for width in range(500, 504):
        asked_at.append(time.monotonic())
        asked(visitor, f"{REPORTS}timeline.svg?species=Wolf&width={width}")
    assert warmer.is_alive()  # so it was at work all the time
    warmer.join(60)
    drawn_at = [moment for name, moment in begun if name != "warmer"]
    for since, until_then in zip(asked_at, drawn_at, strict=True):
        before = [moment for name, moment in begun if name == "warmer" and since < moment < until_then]
        assert len(before) <= 1


def test_a_round_ends_where_a_later_commit_is_there(
    home: Path, client: FlaskClient, sqlite_writer: Engine
) -> None:
    warmer = warm_up(home)
    commits = iter([[Record("Bear", 20200101)]])

    def wait(_: float) -> bool:
        ingest(sqlite_writer, next(commits, []), feed="more")
        return False

    done = warm(warmer._app, home / "asked", wait)
    assert (done.version, done.made, done.left) == (1, 1, 17)


def test_a_round_ends_where_the_cache_keeps_nothing(home: Path, client: FlaskClient) -> None:
    (home / "cache").rmdir()
    (home / "cache").write_text("no folder")
    done = warm_up(home).once()
    assert done.left == 16
    assert done.failures[0].endswith("NotKept: the cache keeps nothing")


def test_what_cannot_be_made_is_told_once_and_leaves_the_others(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.page.compose", lambda *_: 1 / 0)
    url = f"{REPORTS}map.svg?species=Bear"
    asked(client, url, 2)
    write_counts(client)
    warmer = warm_up(home)
    watching = threading.Thread(target=warmer.watch)
    watching.start()
    time.sleep(1.5)
    warmer.stop()
    watching.join(10)
    assert [record.getMessage() for record in caplog.records] == [
        "Version 1: 0 made, 1 there already, 1 failed: /: ZeroDivisionError: division by zero."
    ]


def test_who_watches_warms_at_the_start_and_after_each_commit_until_told_to_stop(
    home: Path, client: FlaskClient, sqlite_writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []
    warmer = warm_up(home)
    monkeypatch.setattr(warmer, "_tell", lambda done: rounds.append(done.version))
    watching = threading.Thread(target=warmer.watch)
    watching.start()
    try:
        assert until(lambda: 1 in rounds)
        ingest(sqlite_writer, [Record("Bear", 20200101)], feed="more")
        assert until(lambda: 2 in rounds)
        time.sleep(1.2)
    finally:
        warmer.stop()
        watching.join(10)
    assert not watching.is_alive()
    assert rounds == [1, 2]


def test_who_watches_warms_when_an_hour_begins_and_tells_a_failure_only_once(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warmer = warm_up(home)
    hours = iter(["12", "12", "13", "14"])

    def moment() -> tuple[int, str]:
        hour = next(hours, "")
        if not hour:
            warmer.stop()
        return 1, hour or "14"

    rounds: list[int] = []
    monkeypatch.setattr("api.warming.watch.PULSE_SECONDS", 0.01)
    monkeypatch.setattr(warmer, "_moment", moment)
    monkeypatch.setattr(warmer, "once", lambda: rounds.append(1) or Round(1, failures=["/: broken"]))
    warmer.watch()
    assert len(rounds) == 3
    assert [record.getMessage() for record in caplog.records] == [
        "Version 1: 0 made, 0 there already, 1 failed: /: broken."
    ]


def test_it_is_the_same_on_every_database(home: Path, writer: Engine, database_url: str) -> None:
    ingest(writer, READING)
    warmer = warm_up(home, database_url=database_url)
    assert (warmer.once().made, warmer.once().kept) == (18, 18)
    before = warmer._moment()
    ingest(writer, [Record("Bear", 20200101)], feed="more")
    assert warmer._moment() != before
    assert warmer.once().made == 25
    warmer._site.reader.dispose()


def test_it_is_the_same_in_redis(home: Path, client: FlaskClient, redis_url: str) -> None:
    assert warm_up(home, cache_url=redis_url).once().made == 18
    done = warm_up(home, cache_url=redis_url).once()
    assert (done.made, done.kept, done.failures) == (0, 18, [])


def test_a_database_that_is_away_is_told_once_and_warmed_when_it_is_back(
    home: Path, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("api.warming.watch._AFTER_FAILURE_SECONDS", 0.1)
    rounds: list[int] = []
    client.application.extensions["sightings"].reader.dispose()
    (home / "sightings.db").rename(home / "elsewhere.db")
    warmer = warm_up(home)
    monkeypatch.setattr(warmer, "_tell", lambda done: rounds.append(done.version))
    watching = threading.Thread(target=warmer.watch)
    watching.start()
    try:
        time.sleep(1)
        (home / "elsewhere.db").rename(home / "sightings.db")
        assert until(lambda: 1 in rounds)
    finally:
        warmer.stop()
        watching.join(10)
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(":")[0] for line in told] == [
        "Nothing is warmed while the database cannot be read"
    ]


def test_the_command_warms_once_and_says_what_it_did(home: Path, client: FlaskClient) -> None:
    first, second = manage(home, "warm"), manage(home, "warm", "--json")
    assert (first.returncode, first.stdout) == (0, "Version 1: 18 made, 0 there already.\n")
    assert '"made": 0' in second.stdout
    off = manage(home, "warm", cache_url="off")
    assert (off.returncode, off.stderr) == (
        1,
        "Error: There is no cache that could be warmed: cache_url is off.\n",
    )


def test_an_empty_database_has_a_page_and_no_pictures(home: Path, sqlite_writer: Engine) -> None:
    done = warm_up(home).once()
    assert (done.version, done.made, done.failures) == (0, 1, [])
