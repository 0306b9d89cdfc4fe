"""Fresh means fresh, and only what was touched goes stale: versions, races, single flights."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

import api.reports
from api.keeping.flight import Busy, Flights, Slots
from api.reports.report import Report
from tests.seed import READING, Record, ingest, open_app, open_database, year

ROOT = Path(__file__).resolve().parent.parent
DEER = "/api/v1/reports/timeline.{}?species=deer&measure=individuals"


@pytest.fixture
def writer(home: Path) -> Engine:
    writer = open_database(f"sqlite:///{home / 'sightings.db'}")
    ingest(writer, READING)
    return writer


@pytest.fixture
def app(writer: Engine, home: Path) -> Iterator[Flask]:
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


def tamper(monkeypatch: pytest.MonkeyPatch, **parts: Callable[..., Any]) -> Report[Any, Any]:
    """Give the timeline other parts; returns the real one."""
    real = api.reports.REPORTS["timeline"]
    monkeypatch.setitem(api.reports.REPORTS, "timeline", replace(real, **parts))
    return real


def numbers(answer: Any) -> dict[int, float]:
    return {row["date"]: row["value"] for row in answer.json["data"]}


def test_the_first_answer_after_a_commit_shows_it(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    url = DEER.format("json")
    before = client.get(url)
    assert 2022 not in numbers(before)
    ingest(writer, [year("Deer", 2022, 5)])
    after = client.get(url, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert numbers(after)[2022] == 5
    assert after.json["meta"]["dataVersion"] == 2
    assert after.headers["X-Data-Version"] == "2"
    assert client.get(f"{url}&v=2").status_code == 200


def test_only_what_was_touched_goes_stale(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    urls = {
        "deer": DEER.format("svg"), "wolf": "/api/v1/reports/timeline.svg?species=wolf",
        "early": "/api/v1/reports/species.svg?year=2010,2015", "all": "/api/v1/reports/summary.json",
        "version of deer": "/api/v1/version?species=deer",
        "version of wolves": "/api/v1/version?species=wolf",
        "version": "/api/v1/version", "animal": "/animal.svg?type=Deer",
        "other animal": "/animal.svg?type=Wolf",
    }  # fmt: skip
    before = {name: client.get(url) for name, url in urls.items()}
    ingest(writer, [year("Deer", 2020, 5)])
    again = {
        name: client.get(url, headers={"If-None-Match": before[name].headers["ETag"]})
        for name, url in urls.items()
    }
    changed = {name for name, answer in again.items() if answer.status_code == 200}
    assert changed == {"deer", "all", "version of deer", "version", "animal"}
    for name in urls.keys() - changed:
        assert client.get(urls[name]).data == before[name].data


def test_a_new_feed_of_other_years_leaves_the_answers_of_these(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    urls = [
        f"/api/v1/reports/{report}"
        for report in (
            "timeline.svg?eventDate=2010,2012", "summary.json?year=2012", "species.png?year=2011&month=1,12",
            "timeline.csv?species=deer&eventDate=*,2015", "recent.json?species=wolf",
        )
    ]  # fmt: skip
    before = {url: client.get(url) for url in urls}
    ingest(writer, [year("Deer", when, 5) for when in (2019, 2022)], feed="cameras", made_up=True)
    for url, answer in before.items():
        assert client.get(url, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304, url
    assert client.get(urls[1]).json["data"][0]["feeds"] == 1
    assert client.get("/api/v1/reports/summary.json").json["data"][0]["feeds"] == 2
    assert client.get("/api/v1/reports/summary.json?year=2019").json["data"][0]["feeds"] == 2
    assert client.get("/api/v1/reports/summary.json?year=2022").json["meta"]["sources"] == ["cameras"]


def test_a_run_that_changes_nothing_changes_no_answer(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    before = client.get(DEER.format("svg")).headers["ETag"], client.get("/api/v1/version").headers["ETag"]
    ingest(writer, READING)
    after = client.get(DEER.format("svg")).headers["ETag"], client.get("/api/v1/version").headers["ETag"]
    assert before == after


def test_an_older_version_stays_as_it_was(app: Flask, writer: Engine) -> None:
    client = app.test_client()
    url = f"{DEER.format('{}')}&asOf=1"
    answers = {form: client.get(url.format(form)).data for form in ("svg", "json", "csv", "png")}
    newest = client.get(DEER.format("csv")).data
    assert answers["csv"] == newest
    ingest(
        writer,
        [year("Deer", 2021, 7), year("Deer", 2023, 5), Record("Deer", 20240101, count=1)],
        feed="later",
    )
    app.extensions["sightings"].cache.put = lambda _: None
    app.extensions["sightings"].cache.get = lambda _: None
    for form, answer in answers.items():
        assert client.get(url.format(form)).data == answer, form
    assert client.get(DEER.format("csv")).data != newest


def test_a_render_that_began_before_a_commit_is_not_kept_as_the_one_after(
    app: Flask, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit falls between the question and the drawing."""
    drawing, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        drawing.set()
        assert go_on.wait(10)
        return real.draw(*arguments)

    real = tamper(monkeypatch, draw=slow)
    url = DEER.format("svg")
    with ThreadPoolExecutor() as pool:
        early = pool.submit(lambda: app.test_client().get(url))
        assert drawing.wait(10)
        ingest(writer, [year("Deer", 2022, 12345)])
        go_on.set()
        old = early.result()
    monkeypatch.undo()
    new = app.test_client().get(url)
    assert b"12345" not in old.data
    assert b"12345" in new.data
    assert old.headers["ETag"] != new.headers["ETag"]
    assert app.test_client().get(url).data == new.data


def test_version_and_numbers_come_from_one_snapshot(
    app: Flask, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit falls between the version and the question."""

    def late(connection: Any, scope: Any, parameters: Any) -> Any:
        if not committed:
            committed.append(ingest(writer, [year("Deer", 2022, 5)]))
        return real.ask(connection, scope, parameters)

    committed: list[int] = []
    real = tamper(monkeypatch, ask=late)
    old = app.test_client().get(DEER.format("json"))
    assert old.json["meta"]["dataVersion"] == 1
    assert 2022 not in numbers(old)
    new = app.test_client().get(DEER.format("json"))
    assert new.json["meta"]["dataVersion"] == 2
    assert numbers(new)[2022] == 5
    assert old.headers["ETag"] != new.headers["ETag"]


def test_a_commit_after_the_first_look_is_stored_under_its_own_key(
    app: Flask, writer: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commit falls between the look at the version and the transaction that reads the numbers."""
    url = DEER.format("json")
    site = app.extensions["sightings"]
    real = site.flights.fly

    def late(key: str, work: Callable[[], Any]) -> Any:
        monkeypatch.undo()
        ingest(writer, [year("Deer", 2022, 5)])
        return real(key, work)

    monkeypatch.setattr(site.flights, "fly", late)
    first = app.test_client().get(url)
    assert (first.json["meta"]["dataVersion"], first.headers["X-Data-Version"]) == (2, "2")
    second = app.test_client().get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert second.status_code == 304


@pytest.mark.parametrize("error", [RuntimeError("broken"), Busy("busy")])
def test_a_failure_is_never_kept(app: Flask, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: Any) -> Any:
        raise error

    client = app.test_client()
    tamper(monkeypatch, draw=fail)
    failed = client.get(DEER.format("svg"))
    assert failed.status_code >= 500
    assert failed.headers["Cache-Control"] == "no-store"
    monkeypatch.undo()
    assert client.get(DEER.format("svg")).status_code == 200


def test_one_answer_is_made_once_however_it_is_asked_for(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    renders: list[int] = []
    real = tamper(monkeypatch, draw=lambda *arguments: (renders.append(1), real.draw(*arguments))[1])
    client = app.test_client()
    bodies = {
        client.get(f"/api/v1/reports/timeline.svg?{query}").data
        for query in ("species=deer&species=red+fox&year=2011", "year=2011&species=Red%20Fox&species=DEER",
                      "species=deer&species=red+fox&species=deer&year=2011&limit=8&theme=light&width=720",
                      "species=deer&species=red+fox&year=2011&v=1&interval=year")
    }  # fmt: skip
    assert len(bodies) == len(renders) == 1
    files = sorted((Path(app.extensions["sightings"].charts).parent / "cache").iterdir())
    for query in ("species=deer&utm=1", "year=02011", "species="):
        assert client.get(f"/api/v1/reports/timeline.svg?{query}").status_code == 400
    assert sorted((Path(app.extensions["sightings"].charts).parent / "cache").iterdir()) == files


STORM = """
import sys, threading, hashlib, json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import api.reports
from tests.seed import open_app
renders, timeline = [], api.reports.REPORTS["timeline"]
def draw(*arguments):
    renders.append(1)
    return timeline.draw(*arguments)
api.reports.REPORTS["timeline"] = replace(timeline, draw=draw)
app = open_app(Path(sys.argv[2]))
barrier = threading.Barrier(16)
def ask(_):
    barrier.wait()
    return app.test_client().get(sys.argv[3])
print("ready", flush=True)
sys.stdin.readline()
with ThreadPoolExecutor(16) as pool:
    answers = list(pool.map(ask, range(16)))
print(json.dumps({"renders": len(renders), "status": [a.status_code for a in answers],
                  "bodies": [hashlib.sha256(a.data).hexdigest() for a in answers]}))
"""


def test_a_storm_on_one_cold_chart_draws_it_once_in_all_processes(writer: Engine, home: Path) -> None:
    command = [sys.executable, "-W", "error", "-c", STORM, str(ROOT), str(home), DEER.format("svg")]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [json.loads(process.communicate(timeout=60)[0]) for process in processes]
    assert sum(one["renders"] for one in told) == 1
    assert {status for one in told for status in one["status"]} == {200}
    assert len({body for one in told for body in one["bodies"]}) == 1


def test_who_waits_for_a_leader_that_fails_is_let_go_and_the_next_one_tries_again() -> None:
    flights: Flights[int] = Flights(patience=5)
    started, fail = threading.Event(), threading.Event()

    def work() -> int:
        started.set()
        fail.wait(5)
        raise RuntimeError("broken")

    with ThreadPoolExecutor() as pool:
        leader = pool.submit(flights.fly, "key", work)
        assert started.wait(5)
        waiters = [pool.submit(flights.fly, "key", lambda: 1) for _ in range(4)]
        time.sleep(0.05)
        fail.set()
        for one in (leader, *waiters):
            with pytest.raises(RuntimeError):
                one.result(5)
    assert flights.fly("key", lambda: 2) == 2


def test_who_waits_for_a_leader_that_is_stuck_is_let_go_in_time() -> None:
    flights: Flights[int] = Flights(patience=0.1)
    started, go_on = threading.Event(), threading.Event()

    def work() -> int:
        started.set()
        go_on.wait(10)
        return 1

    with ThreadPoolExecutor() as pool:
        leader = pool.submit(flights.fly, "key", work)
        assert started.wait(5)
        begun = time.monotonic()
        with pytest.raises(Busy):
            flights.fly("key", lambda: 2)
        assert time.monotonic() - begun < 2
        assert flights.fly("key", lambda: 3) == 3
        go_on.set()
        assert leader.result(5) == 1


def test_more_renders_than_slots_wait_and_then_are_refused(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = app.extensions["sightings"]
    monkeypatch.setitem(app.extensions, "sightings", replace(site, slots=Slots(1, 0.05)))
    drawing, go_on = threading.Event(), threading.Event()

    def slow(*arguments: Any) -> Any:
        drawing.set()
        assert go_on.wait(10)
        return real.draw(*arguments)

    real = tamper(monkeypatch, draw=slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(lambda: app.test_client().get(DEER.format("svg")))
        assert drawing.wait(10)
        second = app.test_client().get("/api/v1/reports/species.json")
        assert (second.status_code, second.headers["Retry-After"]) == (503, "2")
        assert app.test_client().get("/livez").status_code == 200
        go_on.set()
        assert first.result().status_code == 200


def test_another_database_in_the_same_home_is_not_answered_from_the_old_cache(home: Path) -> None:
    """A restored or rebuilt database gives the same version numbers to other data."""
    path = home / "sightings.db"
    answers = []
    for count in (5, 6):
        for old in home.glob("sightings.db*"):
            old.unlink()
        ingest(open_database(f"sqlite:///{path}"), [year("Deer", 2020, count)])
        app = open_app(home)
        answers.append(app.test_client().get(DEER.format("json")))
        app.extensions["sightings"].reader.dispose()
    assert [numbers(answer)[2020] for answer in answers] == [5, 6]
    assert answers[0].headers["ETag"] != answers[1].headers["ETag"]


def test_title_and_zone_of_the_site_are_part_of_the_key(writer: Engine, home: Path) -> None:
    tags = set()
    for chosen in ({}, {"title": "Station"}, {"timezone": "Asia/Kathmandu"}):
        app = open_app(home, **chosen)
        tags.add(app.test_client().get(DEER.format("svg")).headers["ETag"])
        app.extensions["sightings"].reader.dispose()
    assert len(tags) == 3


NAMES = st.sampled_from(["Deer", "Bear", "Hare", "Lynx"])
RUNS = st.lists(
    st.tuples(NAMES, st.integers(2019, 2022), st.sampled_from([None, 0, 1, 7]), st.sampled_from(["a", "b"])),
    min_size=1, max_size=3,
)  # fmt: skip
QUERIES = st.tuples(
    st.sampled_from(
        ["timeline", "species", "summary", "recent", "phenology", "seasonality", "diel", "calendar"]
    ),
    st.sampled_from(
        ["", "species=deer", "species=hare&species=lynx", "vernacularName=bear", "genus", "feed=b"]
    ),
    st.sampled_from(["", "year=2020", "year=*,2020", "eventDate=2021-03,*", "month=1"]),
)


@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(runs=st.lists(RUNS, min_size=2, max_size=4), queries=st.lists(QUERIES, min_size=1, max_size=4))
def test_the_same_validator_means_the_same_answer(
    tmp_path_factory: pytest.TempPathFactory, runs: list[Any], queries: list[Any]
) -> None:
    home = tmp_path_factory.mktemp("home")
    writer, app = open_database(f"sqlite:///{home / 'sightings.db'}"), open_app(home, cache_url="off")
    client = app.test_client()
    seen: dict[tuple[str, str], bytes] = {}
    for rows in runs:
        for name, when, count, feed in rows:
            ingest(
                writer, [replace(year(name, when, count), genus="Genus" if name != "Deer" else "")], feed=feed
            )
        for report, what, dates in queries:
            query = "&".join(part for part in (what.replace("genus", "scientificName=genus"), dates) if part)
            answer = client.get(f"/api/v1/reports/{report}.json?{query}")
            assert answer.status_code == 200
            assert seen.setdefault((f"{report}?{query}", answer.headers["ETag"]), answer.data) == answer.data
    app.extensions["sightings"].reader.dispose()
