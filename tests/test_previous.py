"""While a chart is drawn anew others may be shown the one before, unless they saw anything newer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

import api.answering.answers as answers
from api.answering.order import Order
from api.keeping.previous import Previous
from api.keeping.told import Told
from tests.seed import READING, ingest, open_app, open_database, year

WOLF = "/api/v1/reports/timeline.svg?species=Wolf&interval=year"
SECONDS = 10


class Slow:
    """Drawing that goes on when it is told to."""

    def __init__(self) -> None:
        self.begun, self.go_on, self.times = threading.Event(), threading.Event(), 0

    def hold(self, patch: pytest.MonkeyPatch) -> None:
        real = answers.make

        def make(reader: Engine, wanted: Order) -> Any:
            if wanted.form == "svg":
                self.times += 1
                self.begun.set()
                assert self.go_on.wait(SECONDS)
            return real(reader, wanted)

        patch.setattr(answers, "make", make)


@pytest.fixture
def writer(tmp_path: Path) -> Engine:
    found = open_database(f"sqlite:///{tmp_path / 'sightings.db'}")
    ingest(found, READING)
    return found


@pytest.fixture
def app(writer: Engine, tmp_path: Path) -> Iterator[Flask]:
    found = open_app(tmp_path)
    yield found
    found.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def slow(client: FlaskClient, writer: Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """A chart that was seen, a commit that touched it, and a drawing that takes its time."""
    assert client.get(WOLF).status_code == 200
    ingest(writer, [year("Wolf", 2015, 7)])
    found = Slow()
    found.hold(monkeypatch)
    yield found
    found.go_on.set()


@contextmanager
def drawing(app: Flask, slow: Slow, url: str = WOLF) -> Iterator[Future[Any]]:
    """Somebody asked first, and waits."""
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lambda: app.test_client().get(url))
        assert slow.begun.wait(SECONDS)
        try:
            yield first
        finally:
            slow.go_on.set()


def test_who_comes_while_a_chart_is_drawn_is_shown_it_as_it_was_and_told_so(app: Flask, slow: Slow) -> None:
    client = app.test_client()
    with drawing(app, slow) as first:
        shown = client.get(WOLF)
        assert (shown.status_code, shown.headers["X-Data-Version"]) == (200, "1")
        assert shown.headers["Cache-Status"].startswith("Sightings; hit; ttl=-1")
        same = client.get(WOLF, headers={"If-None-Match": shown.headers["ETag"]})
        assert (same.status_code, same.headers["X-Data-Version"]) == (304, "1")
        slow.go_on.set()
        new = first.result(SECONDS)
    again = client.get(WOLF)
    for answer in (new, again):
        assert (answer.headers["X-Data-Version"], "Cache-Status" in answer.headers) == ("2", False)
        assert answer.headers["ETag"] != shown.headers["ETag"]
    assert slow.times == 1


def test_who_asks_first_sees_what_was_committed(client: FlaskClient, slow: Slow) -> None:
    slow.go_on.set()
    assert client.get(WOLF).headers["X-Data-Version"] == "2"


@pytest.mark.parametrize("seen", ["/api/v1/version", "/api/v1/reports/species.json", "/"])
def test_nobody_is_shown_the_old_chart_once_anybody_was_told_the_new_version(
    app: Flask, slow: Slow, seen: str
) -> None:
    with drawing(app, slow), ThreadPoolExecutor(1) as pool:
        assert app.test_client().get(seen).headers["X-Data-Version"] == "2"
        waiting = pool.submit(lambda: app.test_client().get(WOLF))
        slow.go_on.set()
        assert waiting.result(SECONDS).headers["X-Data-Version"] == "2"


def test_whoever_asks_for_at_least_the_new_version_waits_for_it(app: Flask, slow: Slow) -> None:
    with drawing(app, slow), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(lambda: app.test_client().get(f"{WOLF}&v=2"))
        assert not wait([waiting], 0.3).done
        slow.go_on.set()
        assert waiting.result(SECONDS).headers["X-Data-Version"] == "2"


@pytest.mark.parametrize("form", ["json", "csv"])
def test_numbers_are_never_those_of_before(client: FlaskClient, writer: Engine, form: str) -> None:
    url = WOLF.replace("svg", form)
    client.get(url)
    ingest(writer, [year("Wolf", 2015, 7)])
    assert client.get(url).headers["X-Data-Version"] == "2"


def test_what_another_process_told_counts_too(app: Flask, slow: Slow, tmp_path: Path) -> None:
    other = open_app(tmp_path)
    with drawing(app, slow), ThreadPoolExecutor(1) as pool:
        assert other.test_client().get("/api/v1/version").headers["X-Data-Version"] == "2"
        waiting = pool.submit(lambda: app.test_client().get(WOLF))
        slow.go_on.set()
        assert "Cache-Status" not in waiting.result(SECONDS).headers
    other.extensions["sightings"].reader.dispose()


def test_a_chart_that_is_stuck_is_not_shown_as_it_was_for_ever(
    app: Flask, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    with drawing(app, slow), ThreadPoolExecutor(1) as pool:
        assert "Cache-Status" in app.test_client().get(WOLF).headers
        monkeypatch.setattr("api.keeping.previous.LONGEST_SECONDS", 0.0)
        waiting = pool.submit(lambda: app.test_client().get(WOLF))
        assert not wait([waiting], 0.3).done


def test_the_highest_version_only_rises_and_is_one_for_all_who_share_the_file(tmp_path: Path) -> None:
    one, other = Told(tmp_path / "told"), Told(tmp_path / "told")
    for version in (3, 9, 4):
        one.tell(version)
    assert other.highest() == 9
    crowd = [threading.Thread(target=teller.tell, args=[n]) for n in range(200) for teller in (one, other)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert (one.highest(), other.highest()) == (199, 199)


def test_where_it_cannot_be_shared_nothing_old_is_ever_shown(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    previous = Previous(Told(tmp_path / "file" / "told"))
    previous.note("question", "key 1", 1)
    assert previous.instead("question", "key 2", 2) is None
