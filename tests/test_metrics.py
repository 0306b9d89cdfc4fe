"""What the server tells of itself: counted once, right over all its processes, and to no stranger."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine

from api.metrics import places
from db.engine import open_reader
from tests.files import ROOT
from tests.seed import READING, Record, ingest, open_app, open_database
from tests.test_end_to_end import serving, until

CHART = "/api/v1/reports/timeline.svg"
ROUTE = "/api/v1/reports/<name>.<form>"
Values = dict[str, dict[tuple[str, ...], float]]


def values(text: str) -> Values:
    """Name of a sample -> the values of its labels, in the order of their names -> its value."""
    found: Values = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            assert labels not in found.setdefault(sample.name, {}), sample
            found[sample.name][labels] = sample.value
    return found


def outcomes(found: Values, route: str = ROUTE) -> dict[str, float]:
    requests = found.get("sightings_requests_total", {})
    return {outcome: number for (outcome, of), number in requests.items() if of == route}


def added(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    return {name: more for name, number in after.items() if (more := number - before.get(name, 0))}


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def told(client: FlaskClient) -> Values:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-store"
    return values(answer.text)


def test_each_request_is_counted_by_its_route_and_by_where_the_answer_came_from(client: FlaskClient) -> None:
    before = told(client)
    tag = client.get(CHART).headers["ETag"]
    client.get(CHART)
    client.get(CHART, headers={"If-None-Match": tag})
    client.get(f"{CHART}?limit=0")
    client.get("/api/v1/reports/nope.svg")
    after = told(client)
    assert added(outcomes(before), outcomes(after)) == {"render": 1, "shared": 1, "304": 1, "refused": 2}
    for what in ("drawing", "question"):
        counted = f"sightings_{what}_seconds_count"
        assert after[counted]["timeline",] - before.get(counted, {}).get(("timeline",), 0) == 1
    client.get("/api/v1/version")
    client.get("/")
    client.get("/")
    assert added(outcomes(after, "/api/v1/version"), outcomes(told(client), "/api/v1/version")) == {
        "direct": 1
    }
    assert added(outcomes(after, "/"), outcomes(told(client), "/")) == {"render": 1, "shared": 1}


def test_what_fails_is_counted_as_failed(home: Path, client: FlaskClient) -> None:
    before = told(client)
    client.application.extensions["sightings"].reader.dispose()
    (home / "sightings.db").rename(home / "away.db")
    assert client.get(CHART).status_code == 503
    after = told(client)
    assert added(outcomes(before), outcomes(after)) == {"failed": 1}
    assert after["sightings_database_up"] == {(): 0}
    assert "sightings_data_version" not in after


def test_the_data_its_feeds_and_its_log_are_told(home: Path, sqlite_writer: Engine, tmp_path: Path) -> None:
    ingest(sqlite_writer, [Record("Lynx", 20240501)], feed="north")
    ingest(sqlite_writer, [Record("Lynx", 20240502)], feed="south")
    with sqlite_writer.begin() as connection:
        connection.exec_driver_sql("UPDATE run SET finished_at = '2024-01-01T00:00:00Z' WHERE id = 1")
        connection.exec_driver_sql("UPDATE run SET status = 'failed' WHERE id = 2")
    app = open_app(home)
    found = told(app.test_client())
    assert (found["sightings_data_version"], found["sightings_database_up"]) == ({(): 2}, {(): 1})
    age = found["sightings_feed_last_run_age_seconds"]
    assert age["north",] == pytest.approx(time.time() - 1_704_067_200, abs=60)
    assert 0 <= age["south",] < 60
    assert found["sightings_feed_last_success_age_seconds"].keys() == {("north",)}
    assert found["sightings_database_bytes"][()] == (home / "sightings.db").stat().st_size
    app.extensions["sightings"].reader.dispose()


def test_what_the_cache_holds_and_how_it_is_are_told(home: Path, client: FlaskClient) -> None:
    for number in range(1, 4):
        client.get(f"{CHART}?limit={number}")
    before = told(client)
    assert before["sightings_cache_entries"] == {(): 3}
    assert before["sightings_cache_bytes"][()] >= 3 * 4_096
    assert before["sightings_cache_evictions_total"] == {(): 0}
    for path in (home / "cache").iterdir():
        path.write_bytes(b"\0\0\0\0damaged")
    assert client.get(f"{CHART}?limit=1").status_code == 200
    failures = "sightings_cache_failures_total"
    assert told(client)[failures][()] > before[failures][()]


def test_every_metric_is_documented(client: FlaskClient) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    client.get(CHART)
    families = list(text_string_to_metric_families(client.get("/metrics").text))
    assert len(families) >= 16
    for family in families:
        name = family.name + ("_total" if family.type == "counter" else "")
        assert f"`{name}" in page, name


def test_a_log_that_cannot_be_cut_is_seen_to_grow(home: Path, sqlite_writer: Engine) -> None:
    ingest(sqlite_writer, [Record("Lynx", 20240501)])
    app, reader = open_app(home), open_reader(f"sqlite:///{home / 'sightings.db'}")
    with reader.begin() as held:
        held.exec_driver_sql("SELECT count(*) FROM run").fetchone()
        sizes = []
        for number in range(3):
            ingest(sqlite_writer, [Record("Lynx", 20240101, None, number, f"{n}") for n in range(200)])
            sizes.append(told(app.test_client())["sightings_database_log_bytes"][()])
    assert 0 < sizes[0] < sizes[1] < sizes[2] == (home / "sightings.db-wal").stat().st_size
    reader.dispose()
    app.extensions["sightings"].reader.dispose()


def test_ten_thousand_made_up_requests_leave_no_more_series_than_routes(client: FlaskClient) -> None:
    routes = {rule.rule for rule in client.application.url_map.iter_rules()} | {"none"}
    for number in range(10_000 // 4):
        client.get(f"/nowhere/{number}")
        client.get(f"/api/v1/version?x{number}=1")
        client.get(f"/api/v1/reports/r{number}.json")
        client.open(f"/{number}", method=f"M{number}")
    text = client.get("/metrics").text
    found = values(text)["sightings_requests_total"]
    assert {route for _, route in found} <= routes
    assert len(found) <= len(routes) * 9
    assert len(text) < 200_000


STRANGERS: list[tuple[str, dict[str, str]]] = [
    ("192.0.2.7", {}),
    ("2001:db8::7", {}),
    ("", {}),
    ("192.0.2.7", {"X-Forwarded-For": "127.0.0.1"}),
    ("192.0.2.7", {"Authorization": "Bearer "}),
    ("192.0.2.7", {"Authorization": "Bearer wrong-wrong-wrong-wrong"}),
    ("192.0.2.7", {"Authorization": "Basic a-token-of-some-length"}),
    ("127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}),
    ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
    ("127.0.0.1", {"Forwarded": "for=192.0.2.7"}),
    ("127.0.0.1", {"X-Real-IP": "192.0.2.7"}),
    ("127.0.0.1", {"Via": "1.1 proxy"}),
    ("127.0.0.1", {"Origin": "https://evil.example"}),
]


@pytest.mark.parametrize("url", ["/metrics", "/readyz?verbose"])
@pytest.mark.parametrize(("peer", "headers"), STRANGERS)
def test_strangers_are_told_nothing(home: Path, url: str, peer: str, headers: dict[str, str]) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, metrics_token="a-token-of-some-length")
    answer = app.test_client().get(url, headers=headers, environ_overrides={"REMOTE_ADDR": peer})
    assert (answer.status_code, answer.mimetype) == (403, "application/problem+json")
    assert not re.search("sightings_|version|warnings|a-token", answer.text)
    app.extensions["sightings"].reader.dispose()


@pytest.mark.parametrize("url", ["/metrics", "/readyz?verbose"])
@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_told(client: FlaskClient, url: str, peer: str) -> None:
    assert client.get(url, environ_overrides={"REMOTE_ADDR": peer}).status_code == 200


@pytest.mark.parametrize("url", ["/metrics", "/readyz?verbose"])
def test_whoever_has_the_token_is_told_from_anywhere(home: Path, url: str) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, metrics_token="a-token-of-some-length")
    headers = {"Authorization": "bearer a-token-of-some-length", "X-Forwarded-For": "192.0.2.7"}
    answer = app.test_client().get(url, headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.1"})
    assert answer.status_code == 200
    app.extensions["sightings"].reader.dispose()


def test_readiness_itself_is_told_to_everybody(client: FlaskClient) -> None:
    answer = client.get("/readyz", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def ask_metrics(address: str) -> Values:
    return values(ask_again(f"{address}/metrics").text)


def ask_again(url: str) -> requests.Response:
    """The answer; what is under way in a worker that is killed is cut off, and asked again."""
    while True:
        with suppress(requests.ConnectionError):
            return requests.get(url, timeout=30)


def workers_of(home: Path) -> int:
    """How many processes hold a place, beside the one that they are forked from."""
    return -1 + sum(not _free(path) for path in (home / "metrics").glob("*.lock"))


def _free(path: Path) -> bool:
    with path.open("r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def test_two_workers_tell_the_same_sums_and_a_dead_one_takes_nothing_along(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    (home / "metrics").mkdir()
    (home / "metrics" / "counter_7.db").write_bytes(b"of another life")
    with serving(home, "--workers", "2", "--no-scheduler", "--no-warm-up") as (server, address):
        assert until(lambda: workers_of(home) == 2)

        def get(number: int) -> tuple[int, int]:
            answer = requests.get(f"{address}{CHART}?limit={number % 4 + 1}", timeout=30)
            return answer.status_code, requests.get(f"{address}/nowhere", timeout=30).status_code

        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(get, range(60))) == {(200, 404)}
        assert until(lambda: sum(outcomes(ask_metrics(address)).values()) == 60)
        for _ in range(6):  # whichever worker is asked
            found = ask_metrics(address)
            assert sum(outcomes(found).values()) == 60
            assert outcomes(found, "none") == {"refused": 60}
            assert not [labels for labels in found["sightings_requests_total"] if "failed" in labels]
            assert 4 <= outcomes(found)["render"] <= 8
            assert found["sightings_render_slots_taken"] == {(): 0}
            assert found["sightings_data_version"] == {(): 1}
        stranger = {"X-Forwarded-For": "192.0.2.7"}
        assert requests.get(f"{address}/metrics", headers=stranger, timeout=30).status_code == 403
        with ThreadPoolExecutor(8) as pool:
            url = f"{address}{CHART}?limit=1"
            assert set(pool.map(lambda _: requests.get(url, timeout=30).status_code, range(20))) == {200}
        assert until(lambda: sum(outcomes(ask_metrics(address)).values()) == 80)
        os.kill(_worker(server.pid), signal.SIGKILL)
        assert ask_again(f"{address}/nowhere").status_code == 404
        assert until(lambda: workers_of(home) == 2)
        found = ask_metrics(address)
        assert sum(outcomes(found).values()) == 80
        assert outcomes(found, "none")["refused"] > 60
        assert len(list((home / "metrics").glob("counter_*.db"))) <= 3
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        assert outcomes(ask_metrics(address), "none") == {}


def _worker(process: int) -> int:
    """A process without children, below this one."""
    below = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    found = [int(child) for child in below]
    return next((_worker(child) for child in found), process)


LIVES = """
import os, sys
from api import metrics
from api.metrics import places

metrics.count("/a", "edge", 3)
metrics.SLOTS.inc()
for number in range(3):  # a child each, one after the other
    child = os.fork()
    if not child:
        metrics.count("/a", "edge", 4)
        metrics.SLOTS.inc()
        os._exit(places.number())
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    if number == 1:
        with open(os.environ[places.VARIABLE] + "/counter_1.db", "wb") as file:
            file.write(os.urandom(5_000))
assert places.number() == 0
sys.stdout.write(metrics.counted().decode())
"""


def test_who_comes_after_goes_on_in_the_same_place(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    done = count_in(folder, LIVES)
    found = values(done.stdout)
    assert found["sightings_requests_total"] == {("edge", "/a"): 3 + 4}  # after the garbage, from nothing
    assert found["sightings_render_slots_taken"] == {(): 1}
    assert {path.name for path in folder.glob("*.lock")} == {"0.lock", "1.lock"}
    places.clear(folder)
    assert not list(folder.glob("*.db"))


ALONE = """
import os
from api import metrics
from api.metrics import places

metrics.count("/a", "edge", 3)
os.mkdir(os.environ[places.VARIABLE] + "/1.lock")  # nobody can open it
child = os.fork()
if not child:
    metrics.begin()
    metrics.count("/a", "edge", 4)
    print(metrics.counted().decode(), flush=True)
    raise SystemExit
os.waitpid(child, 0)
"""


def test_a_fork_that_finds_no_place_counts_alone(tmp_path: Path) -> None:
    done = count_in(tmp_path / "metrics", ALONE)
    assert values(done.stdout)["sightings_requests_total"] == {("edge", "/a"): 4}
    assert "of one process only" in done.stderr


def count_in(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, places.VARIABLE: str(folder)}
    words = [sys.executable, "-c", script]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


def test_a_folder_that_cannot_be_written_costs_only_the_sum_over_processes(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    script = "from api import metrics; metrics.count('/a', 'edge'); print(metrics.counted().decode())"
    done = count_in(tmp_path / "file", script)
    assert values(done.stdout)["sightings_requests_total"] == {("edge", "/a"): 1}
    assert "cannot be written" in done.stderr
