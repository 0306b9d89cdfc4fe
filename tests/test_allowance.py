"""Who asks for more new answers than are made for one client is refused; nobody else is, and nothing kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis
import requests
from flask import Flask
from flask.testing import FlaskClient

from api.answering.allowance import MOST_CLIENTS, Allowance, Buckets, Endless, Shared, TooMany, allowance
from api.clients import Clients
from api.keeping.cache import Cache, open_cache
from api.reports import REPORTS
from tests.conftest import free_port
from tests.seed import READING, ingest, open_app, open_database
from tests.test_end_to_end import serving

CHART = "/api/v1/reports/timeline.svg"
DATA = "/api/v1/reports/timeline.json"


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    """In each process a client may have three answers made in a minute."""
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, misses_per_minute="6", workers="2")
    yield app
    app.extensions["sightings"].reader.dispose()


def ask(client: FlaskClient, url: str, peer: str = "192.0.2.1", **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.get(url, headers=named, environ_overrides={"REMOTE_ADDR": peer})


def spend_all(client: FlaskClient, peer: str = "192.0.2.1", first: int = 1, **headers: str) -> None:
    for number in range(first, first + 3):
        assert ask(client, f"{DATA}?limit={number}", peer, **headers).status_code == 200


def test_who_had_enough_made_is_refused_and_told_when_to_come_again(app: Flask) -> None:
    client = app.test_client()
    spend_all(client)
    answer = ask(client, f"{DATA}?limit=9")
    assert (answer.status_code, answer.mimetype) == (429, "application/problem+json")
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("20", "no-store")
    assert answer.json["type"] == "urn:sightings:problem:too-many"
    picture = ask(client, f"{CHART}?limit=9&width=400&height=300")
    assert (picture.status_code, picture.mimetype) == (429, "image/svg+xml")
    assert 'width="400"' in picture.text
    for url in ("/api/v1/export.csv", "/api/v1/occurrence/search", "/", "/animal.svg?type=Deer"):
        assert ask(client, url).status_code == 429, url


def test_what_is_kept_is_never_refused(app: Flask) -> None:
    client = app.test_client()
    spend_all(client)
    assert ask(client, f"{DATA}?limit=9").status_code == 429
    for _ in range(20):
        kept = ask(client, f"{DATA}?limit=1")
        assert kept.status_code == 200
        assert ask(client, f"{DATA}?limit=1", If_None_Match=kept.headers["ETag"]).status_code == 304
        for url in ("/api/v1/version", "/livez", "/readyz", "/api/v1/runs", "/api/v1/reports"):
            assert ask(client, url).status_code == 200, url
    assert ask(client, f"{DATA}?limit=0").status_code == 400


def test_another_client_has_an_allowance_of_its_own(app: Flask) -> None:
    client = app.test_client()
    spend_all(client)
    assert ask(client, f"{DATA}?limit=9").status_code == 429
    assert ask(client, f"{DATA}?limit=9", "192.0.2.2").status_code == 200
    spend_all(client, "2001:db8::1", 11)
    assert ask(client, f"{DATA}?limit=8", "2001:db8::ffff").status_code == 429
    assert ask(client, f"{DATA}?limit=8", "2001:db8:0:1::1").status_code == 200


def test_who_waits_for_what_is_made_for_another_is_neither_charged_nor_refused(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    spend_all(app.test_client())
    report, begun, go_on = REPORTS["timeline"], threading.Event(), threading.Event()

    def slow(*given: Any) -> Any:
        begun.set()
        go_on.wait(10)
        return report.draw(*given)

    monkeypatch.setitem(REPORTS, "timeline", replace(report, draw=slow))
    with ThreadPoolExecutor(9) as pool:
        leads = pool.submit(lambda: ask(app.test_client(), CHART, "192.0.2.2").status_code)
        assert begun.wait(10)
        waits = [pool.submit(lambda: ask(app.test_client(), CHART).status_code) for _ in range(8)]
        time.sleep(0.2)
        go_on.set()
        assert [one.result() for one in (leads, *waits)] == [200] * 9
    assert ask(app.test_client(), f"{DATA}?limit=21", "192.0.2.2").status_code == 200
    assert ask(app.test_client(), f"{DATA}?limit=22").status_code == 429


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "10.0.0.1, 198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "198.51.100.9, 10.1.2.3", "198.51.100.9"),
        ("::1", "198.51.100.9,127.0.0.1", "198.51.100.9"),
        ("::ffff:127.0.0.1", "198.51.100.9", "198.51.100.9"),
        ("127.0.0.1", "junk", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9, junk\x7f", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "," * 2_000, "127.0.0.1"),
        ("127.0.0.1", "2001:db8::7", "2001:db8::"),
        ("127.0.0.1", "[2001:db8::7]", "2001:db8::"),
    ],
)
def test_a_client_is_whom_a_trusted_proxy_names(app: Flask, peer: str, forwarded: str, client: str) -> None:
    clients = Clients(("127.0.0.1", "::1", "10.0.0.0/8"))
    headers = {"X-Forwarded-For": forwarded} if forwarded else {}
    with app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": peer}) as context:
        assert clients.name(context.request) == client


def test_a_client_cannot_take_another_name(app: Flask) -> None:
    client = app.test_client()
    spend_all(client)
    for number in range(5):
        assert ask(client, f"{DATA}?limit=9", X_Forwarded_For=f"198.51.100.{number}").status_code == 429
    # Nor behind our own proxy, which appends whom it sees.
    spend_all(client, "127.0.0.1", 11, X_Forwarded_For="198.51.100.7")
    spoofed = ask(client, f"{DATA}?limit=9", "127.0.0.1", X_Forwarded_For="203.0.113.5, 198.51.100.7")
    assert spoofed.status_code == 429


def drain(buckets: Buckets, times: int) -> None:
    for _ in range(times):
        buckets.spend("a")


def test_what_was_spent_comes_back_with_time_and_clients_are_forgotten() -> None:
    buckets = Buckets(6_000)
    with pytest.raises(TooMany) as caught:
        drain(buckets, 12_000)
    assert caught.value.seconds == 1
    time.sleep(0.1)
    drain(buckets, 10)
    for number in range(MOST_CLIENTS + 500):
        buckets.spend(f"{number}")
    assert len(buckets._left) == MOST_CLIENTS


def test_many_threads_get_no_more_than_one() -> None:
    buckets, got = Buckets(100), []

    def take() -> None:
        for _ in range(50):
            try:
                buckets.spend("a")
                got.append(1)
            except TooMany:
                pass

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 100 <= len(got) <= 110


def test_no_limit_is_no_limit() -> None:
    endless = allowance(0, 2, Cache(None), "files")
    assert isinstance(endless, Endless)
    for _ in range(1_000):
        endless.spend("a")


def limited(per_minute: int, url: str) -> Allowance:
    """As a process of a server has it whose cache is in Redis."""
    return allowance(per_minute, 2, open_cache(Flask(__name__), url, Path(), 0), url)


def test_redis_counts_for_all_processes(redis_url: str) -> None:
    first, second = limited(5, redis_url), limited(5, redis_url)
    assert isinstance(first, Shared)
    for number in range(5):
        (first, second)[number % 2].spend("192.0.2.1")
    for one in (first, second):
        with pytest.raises(TooMany) as caught:
            one.spend("192.0.2.1")
        assert 1 <= caught.value.seconds <= 60
        one.spend("192.0.2.2")
    with redis.Redis.from_url(redis_url) as server:
        assert {0 < server.ttl(key) <= 120 for key in server.keys("sightings:misses:*")} == {True}


def test_a_redis_that_is_away_refuses_nobody_is_not_waited_for_and_is_counted(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, misses_per_minute="1", cache_url=f"redis://127.0.0.1:{free_port()}/0")
    client = app.test_client()

    def failures() -> float:
        text = client.get("/metrics").text
        line = next(
            line for line in text.splitlines() if line.startswith("sightings_rate_limit_failures_total")
        )
        return float(line.split()[1])

    before = failures()
    began = time.monotonic()
    assert {ask(client, f"{DATA}?limit={number}").status_code for number in range(1, 8)} == {200}
    assert failures() - before == 7
    assert time.monotonic() - began < 5
    assert "sightings_cache_resting 1.0" in client.get("/metrics").text
    app.extensions["sightings"].reader.dispose()


def test_a_redis_that_is_full_or_broken_refuses_nobody(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as server:
        full = limited(1, redis_url)
        server.config_set("maxmemory", "1")
        try:
            for _ in range(3):
                full.spend("a")
            assert server.keys("sightings:misses:a:*") == []
        finally:
            server.config_set("maxmemory", "0")
        other = limited(1, redis_url)
        for minute in (0, 1):
            server.set(f"sightings:misses:b:{int(time.time() // 60) + minute}", "no number")
        for _ in range(3):
            other.spend("b")


def test_a_flood_of_one_client_is_refused_and_others_are_answered_as_ever(home: Path) -> None:
    """On the real server: distinct valid questions as fast as they are answered, beside a visitor's."""
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    with serving(
        home, "--workers", "1", "--no-scheduler", "--no-warm-up", misses_per_minute="40", workers="1"
    ) as (
        _,
        address,
    ):
        done, codes, waits = threading.Event(), [], []

        def flood(start: int) -> None:
            with requests.Session() as session:
                for number in range(start, 2_400, 4):
                    url = f"{address}{DATA}?limit={number % 50 + 1}&month={number // 50 % 12 + 1}"
                    url += f"&year={2010 + number // 600}"
                    answer = session.get(url, headers={"X-Forwarded-For": "198.51.100.66"}, timeout=30)
                    codes.append((answer.status_code, answer.headers.get("Retry-After")))
                    if done.is_set():
                        return

        floods = [threading.Thread(target=flood, args=[start]) for start in range(4)]
        for thread in floods:
            thread.start()
        with requests.Session() as session:
            for number in range(30):
                began = time.monotonic()
                url = f"{address}{CHART}?limit={number % 3 + 1}&interval={('year', 'month')[number % 2]}"
                answer = session.get(url, headers={"X-Forwarded-For": "198.51.100.1"}, timeout=30)
                waits.append(time.monotonic() - began)
                assert answer.status_code == 200
                time.sleep(0.02)
        done.set()
        for thread in floods:
            thread.join()
    refused = [after for code, after in codes if code == 429]
    made = sum(1 for code, _ in codes if code == 200)
    assert {code for code, _ in codes} == {200, 429}
    assert 40 <= made <= 40 + 60
    assert refused
    assert all(after is not None and 1 <= int(after) <= 60 for after in refused)
    assert sorted(waits)[int(len(waits) * 0.95)] < 0.5
