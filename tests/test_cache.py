"""The cache can only make us slower, never wrong: damaged, gone, frozen or lying, the data answers."""

from __future__ import annotations

import hashlib
import logging
import os
import pickle
import resource
import shutil
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import redis
from flask import Flask, Response, request

from api.answering import cache as cache_module
from api.answering.breaker import FAILURES, PAUSE_SECONDS, REST_SECONDS, Breaker
from api.answering.cache import Cache, open_cache
from api.answering.envelope import Answer, enclose, seal, unseal
from api.answering.shelf import Held
from tests.conftest import free_port, running_redis
from tests.powers import no_power_over_files
from tests.seed import READING, ingest, open_app, open_database

URL = "/api/v1/reports/species.json"
OTHER = "/api/v1/reports/recent.json"


@pytest.fixture
def app(home: Path) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home)
    yield app
    app.extensions["sightings"].reader.dispose()


def entries(home: Path) -> list[Path]:
    return [path for path in (home / "cache").iterdir() if path.is_file() and path.name[0] != "."]


class Canary:
    """Whoever unpickles this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, (f"touch {self.path}",)


DAMAGE: dict[str, Callable[[bytes, Path], bytes]] = {
    "empty": lambda _content, _canary: b"",
    "one byte": lambda _content, _canary: b"x",
    "only the stamp": lambda content, _canary: content[:4],
    "cut short": lambda content, _canary: content[: len(content) // 2],
    "one bit": lambda content, _canary: content[:-9] + bytes([content[-9] ^ 1]) + content[-8:],
    "one bit of the header": lambda content, _canary: content[:80] + bytes([content[80] ^ 1]) + content[81:],
    "garbage": lambda _content, _canary: b"\0\0\0\0" + os.urandom(5000),
    "an older format": lambda content, _canary: content.replace(b"answer 1", b"answer 0"),
    "a pickle": lambda _content, canary: struct.pack("I", 0) + pickle.dumps(Canary(canary)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_entry_is_a_miss_and_is_replaced(app: Flask, home: Path, damage: str) -> None:
    """C9."""
    client = app.test_client()
    good = client.get(URL)
    [path] = entries(home)
    content = path.read_bytes()
    path.write_bytes(DAMAGE[damage](content, home / "canary"))
    again = client.get(URL)
    assert (again.status_code, again.data, dict(again.headers)) == (200, good.data, dict(good.headers))
    assert not (home / "canary").exists()
    assert path.read_bytes() == content


def test_the_entry_of_another_key_is_not_believed(app: Flask, home: Path) -> None:
    client = app.test_client()
    one = client.get(URL).data
    [first] = entries(home)
    other = client.get("/api/v1/reports/summary.json").data
    [second] = [path for path in entries(home) if path != first]
    shutil.copy(second, first)
    assert client.get(URL).data == one != other


def test_a_hit_is_really_a_hit(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    first = client.get(URL)

    def never(*_: object) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr("api.answering.answers.make", never)
    assert client.get(URL).data == first.data


def remove(folder: Path) -> None:
    shutil.rmtree(folder)


def make_a_file_of_it(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("in the way")


def let_nobody_write(folder: Path) -> None:
    folder.chmod(0o500)


def let_nobody_in(folder: Path) -> None:
    folder.chmod(0)


def let_nobody_read_what_is_there(folder: Path) -> None:
    for path in folder.iterdir():
        path.chmod(0)


@pytest.mark.parametrize(
    "fault",
    [remove, make_a_file_of_it, let_nobody_write, let_nobody_in, let_nobody_read_what_is_there],
)
def test_a_folder_that_cannot_be_used_any_more_costs_only_time(
    app: Flask, home: Path, fault: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """C10."""
    client = app.test_client()
    good = client.get(URL).data
    fault(home / "cache")
    with no_power_over_files():
        for _ in range(10):
            begun = time.monotonic()
            assert client.get(URL).data == good
            assert client.get(OTHER).status_code == 200
            assert time.monotonic() - begun < 2
    assert len(caplog.records) <= 1
    if (home / "cache").is_dir():
        (home / "cache").chmod(0o700)


def test_a_full_disk_is_counted_and_told_once_and_everything_is_answered(
    app: Flask, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """C10: no file may grow beyond a few bytes; what was kept before is still a hit."""
    client, cache = app.test_client(), app.extensions["sightings"].cache
    kept = client.get(URL).data
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600, hard))
    try:
        for limit in range(1, 8):
            assert client.get(f"{OTHER}?limit={limit}").status_code == 200
        assert client.get(URL).data == kept
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert cache.failures == 7
    assert len(caplog.records) == 1
    assert client.get(f"{OTHER}?limit=1").status_code == 200
    assert cache.failures == 7
    assert len([path for path in entries(home) if path.suffix != ".__wz_cache"]) == 2


def test_what_a_response_says_of_its_client_is_not_kept(app: Flask) -> None:
    """C6: bytes and codings are kept; headers are made for each who asks."""

    @app.after_request
    def greet(response: Response) -> Response:
        if "X-Name" in request.headers:
            response.set_cookie("name", request.headers["X-Name"])
        return response

    alice = app.test_client().get(URL, headers={"X-Name": "alice"})
    assert "alice" in alice.headers["Set-Cookie"]
    bob = app.test_client().get(URL)
    assert bob.data == alice.data
    assert "Set-Cookie" not in bob.headers
    assert {name: value for name, value in alice.headers.items() if name != "Set-Cookie"} == dict(bob.headers)


def test_an_entry_of_another_renderer_is_never_read(
    app: Flask, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """C14: a new version of the program beside the old one, over the same folder."""
    chart = URL.replace(".json", ".svg")
    old = app.test_client().get(chart)
    monkeypatch.setattr("api.answering.order.RENDERER", "another")
    new = app.test_client().get(chart)
    assert new.headers["ETag"] != old.headers["ETag"]
    assert len(entries(home)) == 2
    monkeypatch.undo()
    monkeypatch.setattr("api.answering.answers.make", lambda *_: pytest.fail("made again"))
    assert app.test_client().get(chart).headers["ETag"] == old.headers["ETag"]


def test_a_folder_that_cannot_be_made_is_no_cache_and_no_error(home: Path) -> None:
    """C10."""
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    (home / "cache").write_text("in the way")
    app = open_app(home)
    assert app.test_client().get(URL).status_code == 200
    app.extensions["sightings"].reader.dispose()


def test_a_cache_that_is_off_keeps_nothing(home: Path) -> None:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, cache_url="off")
    assert app.test_client().get(URL).status_code == 200
    assert not (home / "cache").exists()
    app.extensions["sightings"].reader.dispose()


def test_files_stay_within_their_bound(home: Path) -> None:
    """C11."""
    bound = 200_000
    cache = open_cache(Flask("test"), "files", home / "cache", bound)
    orphan = home / "cache" / "abc.__wz_cache"
    orphan.write_bytes(b"x")
    os.utime(orphan, (time.time() - 4000, time.time() - 4000))
    for number in range(300):
        cache.put(Answer(f"key {number}", {"identity": os.urandom(3000)}))
    assert sum(path.stat().st_size for path in entries(home)) <= bound * 1.1
    assert len(entries(home)) > 30
    assert not orphan.exists()
    assert cache.get("key 299") is not None
    assert cache.failures == 0


def test_an_answer_survives_its_envelope() -> None:
    answer = enclose("key", "svg", b"<svg/>" * 1000)
    assert set(answer.bodies) == {"identity", "gzip", "br"}
    assert unseal("key", seal(answer)) == answer
    assert unseal("other", seal(answer)) is None
    assert set(enclose("key", "png", b"x").bodies) == {"identity"}


def sealed_by_a_stranger(header: bytes, rest: bytes = b"") -> bytes:
    """With a checksum that is right: whoever can write there can work it out."""
    content = header + rest
    return (
        b"sightings answer 1\n" + hashlib.sha256(content).digest() + struct.pack(">I", len(header)) + content
    )


LIES = [
    b"", b"{", b"[]", b"7", b"null", b"[" * 100_000, b"\xff\xfe", b'{"key": "key"}',
    b'{"key": "key", "codings": [], "lengths": []}',
    b'{"key": "key", "codings": ["identity"], "lengths": [1]}',
    b'{"key": "key", "codings": ["identity"], "lengths": ["4"]}',
    b'{"key": "key", "codings": ["identity"], "lengths": [-1]}',
    b'{"key": "key", "codings": ["identity"], "lengths": [1e999]}',
    b'{"key": "key", "codings": ["identity", "gzip"], "lengths": [4]}',
    b'{"key": "key", "codings": [["identity"]], "lengths": [4]}',
    b'{"key": "key", "codings": ["gzip"], "lengths": [4]}',
    b'{"key": "other", "codings": ["identity"], "lengths": [4]}',
]  # fmt: skip


@pytest.mark.parametrize("header", LIES, ids=lambda header: repr(header[:60]))
def test_a_lie_under_a_right_checksum_is_a_miss(header: bytes) -> None:
    cache = Cache(Lying(sealed_by_a_stranger(header, b"body")))
    assert cache.get("key") is None
    assert cache.failures == 1
    truth = b'{"key": "key", "codings": ["identity"], "lengths": [4]}'
    assert Cache(Lying(sealed_by_a_stranger(truth, b"body"))).get("key") == Answer(
        "key", {"identity": b"body"}
    )


class Lying:
    """A backend that has this for every key."""

    def __init__(self, sealed: bytes) -> None:
        self.sealed = sealed

    def get(self, _: str) -> bytes:
        return self.sealed


class Broken:
    """A backend that raises whatever it is told to."""

    def __init__(self, error: Exception) -> None:
        self.error, self.calls = error, 0

    def get(self, _: str) -> Any:
        self.calls += 1
        raise self.error

    set = get


class Clock:
    """The breaker's time, which passes when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.monotonic()
        monkeypatch.setattr("api.answering.breaker.time.monotonic", lambda: self.now)

    def passes(self, seconds: float) -> None:
        self.now += seconds


BREAKAGES = [
    OSError("disk"),
    redis.ConnectionError("gone"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "no"),
    ModuleNotFoundError("evil"),
]


@pytest.mark.parametrize("error", BREAKAGES)
def test_a_backend_that_fails_is_left_alone_for_a_while(
    error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Broken(error)
    cache = Cache(backend)
    for _ in range(10):
        assert cache.get("key") is None
    assert backend.calls == cache.failures == 1  # what fails is not asked again for a second
    assert len(caplog.records) == 1
    assert caplog.records[0].levelno == logging.WARNING
    clock = Clock(monkeypatch)
    for failures in range(2, FAILURES + 1):
        clock.passes(PAUSE_SECONDS)
        assert cache.get("key") is None
        assert backend.calls == failures
    assert cache.breaker.state == "open"
    clock.passes(REST_SECONDS - 1)
    assert cache.get("key") is None
    assert backend.calls == FAILURES
    clock.passes(1)
    assert cache.breaker.state == "half-open"
    assert cache.get("key") is None
    assert backend.calls == FAILURES + 1
    assert cache.breaker.state == "open"


def test_of_all_who_come_after_the_rest_one_alone_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, breaker = Clock(monkeypatch), Breaker()
    for _ in range(FAILURES):
        breaker.went_wrong()
    clock.passes(REST_SECONDS)
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]
    clock.passes(REST_SECONDS)
    assert not breaker.allows()  # it has not come back yet
    breaker.went_well()
    assert [breaker.allows() for _ in range(5)] == [True] * 5
    assert breaker.state == "closed"


def test_whoever_gives_up_in_the_middle_of_a_try_leaves_the_next_one_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, cache = Clock(monkeypatch), Cache(Broken(OSError("disk")))
    cache.get("key")
    clock.passes(PAUSE_SECONDS)

    def leave() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        cache.attempt(leave)
    clock.passes(PAUSE_SECONDS)
    assert cache.attempt(lambda: "done") == "done"


@pytest.fixture
def redis_app(home: Path, redis_url: str) -> Iterator[Flask]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, cache_url=redis_url)
    yield app
    app.extensions["sightings"].reader.dispose()


def test_redis_keeps_answers_for_all(
    redis_app: Flask, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = redis_app.test_client().get(URL).data
    monkeypatch.setattr("api.answering.answers.make", lambda *_: pytest.fail("made again"))
    assert redis_app.test_client().get(URL).data == good
    with redis.Redis.from_url(redis_url) as server:
        [name] = server.keys()
        assert server.ttl(name) > 0


def test_a_lying_redis_is_a_miss_and_runs_nothing(redis_app: Flask, redis_url: str, home: Path) -> None:
    """C13."""
    client = redis_app.test_client()
    good = client.get(URL).data
    with redis.Redis.from_url(redis_url) as server:
        [name] = server.keys()
        for lie in (b"", b"garbage", b"!" + pickle.dumps(Canary(home / "canary")), b"12"):
            server.set(name, lie)
            assert client.get(URL).data == good
        server.delete(name)
        server.lpush(name, b"a list")
        assert client.get(URL).data == good
    assert not (home / "canary").exists()


class OwnRedis:
    """A Redis that a test may do harm to, and an application that uses it."""

    def __init__(self, home: Path) -> None:
        self.port, self.servers = free_port(), ExitStack()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()
        ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
        self.app = open_app(home, cache_url=self.url)
        self.cache: Cache = self.app.extensions["sightings"].cache

    def start(self) -> None:
        self.server = self.servers.enter_context(running_redis(self.port))

    def told(self, *words: str) -> None:
        with redis.Redis.from_url(self.url) as client:
            client.execute_command(*words)

    def is_killed(self) -> None:
        self.server.kill()
        self.server.wait()

    def is_frozen(self) -> None:
        self.server.send_signal(signal.SIGSTOP)

    def is_full(self) -> None:
        self.told("CONFIG", "SET", "maxmemory-policy", "noeviction")
        self.told("CONFIG", "SET", "maxmemory", "1")

    def wants_a_password(self) -> None:
        self.told("CONFIG", "SET", "requirepass", "secret")
        with suppress(redis.ConnectionError):
            self.told("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")

    def only_reads(self) -> None:
        self.told("REPLICAOF", "127.0.0.1", "9")

    def is_emptied(self) -> None:
        self.told("FLUSHALL")

    def drops_its_connections(self) -> None:
        with suppress(redis.ConnectionError):
            self.told("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no")


@pytest.fixture
def own_redis(home: Path) -> Iterator[OwnRedis]:
    own = OwnRedis(home)
    with own.servers:
        yield own
    own.app.extensions["sightings"].reader.dispose()


TROUBLES = [
    OwnRedis.is_killed, OwnRedis.is_frozen, OwnRedis.is_full, OwnRedis.wants_a_password, OwnRedis.only_reads,
    OwnRedis.is_emptied, OwnRedis.drops_its_connections,
]  # fmt: skip


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_no_trouble_with_redis_costs_more_than_a_moment(
    own_redis: OwnRedis, trouble: Callable[[OwnRedis], None], caplog: pytest.LogCaptureFixture
) -> None:
    """C12: time is counted in what the requests spend beside their own work, one after the other."""
    client = own_redis.app.test_client()
    good = client.get(URL).data
    trouble(own_redis)
    waits = []
    for number in range(1, 13):
        begun, worked = time.monotonic(), time.thread_time()
        assert client.get(f"{OTHER}?limit={number}").status_code == 200
        waits.append(time.monotonic() - begun - (time.thread_time() - worked))
    assert client.get(URL).data == good
    assert sorted(waits)[-3] < 0.25
    assert max(waits) < cache_module.REDIS_SECONDS + 0.5
    assert len(caplog.records) <= 1


def test_a_redis_that_comes_back_is_used_again(own_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    client, clock = own_redis.app.test_client(), Clock(monkeypatch)
    client.get(URL)
    own_redis.is_killed()
    for _ in range(FAILURES):
        client.get(URL)
        clock.passes(PAUSE_SECONDS)
    failures = own_redis.cache.failures
    assert own_redis.cache.breaker.state == "open"
    for _ in range(10):
        assert client.get(URL).status_code == 200
    assert own_redis.cache.failures == failures == FAILURES  # nobody tried to connect
    own_redis.start()
    clock.passes(REST_SECONDS)
    assert client.get(URL).status_code == 200
    assert own_redis.cache.breaker.state == "closed"
    monkeypatch.setattr("api.answering.answers.make", lambda *_: pytest.fail("made again"))
    assert client.get(URL).status_code == 200


def test_how_much_redis_holds_can_be_asked_and_never_fails(own_redis: OwnRedis) -> None:
    own_redis.app.test_client().get(URL)
    held = own_redis.cache.held()
    assert held.bytes > 0
    assert (held.entries, held.evictions) == (1, 0)
    own_redis.is_killed()
    assert own_redis.cache.held() == Held()


def test_no_redis_at_all_is_no_error(home: Path) -> None:
    """C12."""
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    app = open_app(home, cache_url="redis://127.0.0.1:9/0")
    assert app.test_client().get(URL).status_code == 200
    assert app.extensions["sightings"].cache.failures > 0
    app.extensions["sightings"].reader.dispose()
