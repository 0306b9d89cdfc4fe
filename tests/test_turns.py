"""One making for each answer among processes and nodes, whatever becomes of who makes it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from flask import Flask

from api.keeping.cache import Cache, open_cache, open_redis
from api.keeping.flight import Busy
from api.keeping.locks import taken
from api.keeping.turns import FileTurns, NoTurns, RedisTurns, open_turns
from tests.powers import no_power_over_files

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 2.0
LEASE = 1.0
SLACK = 3.0
"""Seconds by which a busy machine may be late."""
MAKER = f"""
import json, sys, time
from pathlib import Path
import api.factory, api.keeping.turns
from api.keeping.envelope import enclose
from api.keeping.flight import Busy
from api.answering.once import kept_or_made
from tests.seed import open_app
api.factory.PATIENCE_SECONDS, api.keeping.turns.LEASE_SECONDS = {PATIENCE}, {LEASE}
app = open_app(Path(sys.argv[1]), cache_url=sys.argv[2])
print("ready", flush=True)
for line in sys.stdin:
    key, seconds = json.loads(line)
    made = 0
    def make():
        global made
        made += 1
        print("making", flush=True)
        time.sleep(seconds)
        if key.startswith("bad"):
            raise ValueError(key)
        return enclose(key, "json", key.encode()), 1
    begun, outcome = time.monotonic(), "answered"
    with app.app_context():
        try:
            kept_or_made(key, 1, make)
        except (Busy, ValueError) as error:
            outcome = type(error).__name__
    print(json.dumps([outcome, made, time.monotonic() - begun]), flush=True)
"""


class Maker:
    """A process that is asked for answers."""

    def __init__(self, home: Path, url: str) -> None:
        command = [sys.executable, "-W", "error", "-c", MAKER, str(home), url]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def asked(self, key: str, seconds: float = 0.0) -> None:
        """Let it want this answer, which takes so long to make."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([key, seconds]) + "\n")
        self.process.stdin.flush()

    def outcome(self) -> tuple[str, int, float]:
        """How it ended, how often it made it, and how many seconds it took."""
        while (told := self.says()) == "making":
            pass
        ended, made, seconds = json.loads(told)
        return ended, made, seconds

    def does(self, number: signal.Signals) -> None:
        os.kill(self.process.pid, number)


@contextmanager
def makers(home: Path, url: str, count: int) -> Iterator[list[Maker]]:
    started = [Maker(home, url) for _ in range(count)]
    try:
        for maker in started:
            assert maker.says() == "ready"
        yield started
    finally:
        for maker in started:
            maker.process.kill()
            maker.process.communicate()


@pytest.fixture(scope="module", params=["files", pytest.param("redis", marks=pytest.mark.redis)])
def kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind if kind == "files" else str(request.getfixturevalue("redis_server"))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def three(place: Path, kind: str) -> Iterator[list[Maker]]:
    """Three processes; a test that kills one comes last."""
    with makers(place, kind, 3) as started:
        yield started


def test_who_comes_while_it_is_made_waits_and_makes_nothing(three: list[Maker], place: Path) -> None:
    first, *others = three
    first.asked("one", 0.5)
    assert first.says() == "making"
    for other in others:
        other.asked("one", 0.5)
    assert first.outcome()[:2] == ("answered", 1)
    for other in others:
        outcome, made, seconds = other.outcome()
        assert (outcome, made) == ("answered", 0)
        assert seconds < 0.5 + SLACK
    assert not list(place.glob("making/key-*"))


def test_who_wants_something_else_does_not_wait(three: list[Maker]) -> None:
    first, second, _ = three
    first.asked("slow", 1.0)
    assert first.says() == "making"
    second.asked("quick")
    outcome, made, seconds = second.outcome()
    assert (outcome, made) == ("answered", 1)
    assert seconds < 1.0
    assert first.outcome()[0] == "answered"


def test_where_the_making_fails_whoever_waits_makes_it(three: list[Maker]) -> None:
    first, second, _ = three
    first.asked("bad", 0.2)
    assert first.says() == "making"
    second.asked("bad", 0.2)
    assert first.outcome()[:2] == ("ValueError", 1)
    assert second.outcome()[:2] == ("ValueError", 1)


def test_a_maker_that_hangs_is_not_waited_for_beyond_patience(three: list[Maker]) -> None:
    first, second, third = three
    first.asked("hangs", 0.1)
    assert first.says() == "making"
    first.does(signal.SIGSTOP)
    try:
        second.asked("hangs")
        outcome, made, seconds = second.outcome()
        assert seconds < PATIENCE + SLACK
        assert (outcome, made) in (("Busy", 0), ("answered", 1))  # a lease may have ended before
        time.sleep(LEASE / 2)
        third.asked("hangs")
        assert third.outcome()[0] == "answered"
    finally:
        first.does(signal.SIGCONT)
    assert first.outcome()[:2] == ("answered", 1)
    second.asked("hangs")
    assert second.outcome()[:2] == ("answered", 0)


def test_a_making_that_takes_long_is_still_one(three: list[Maker]) -> None:
    """Longer than a lease: it is renewed."""
    first, second, _ = three
    first.asked("long", 1.6 * LEASE)
    assert first.says() == "making"
    second.asked("long", 1.6 * LEASE)
    assert first.outcome()[:2] == ("answered", 1)
    assert second.outcome()[:2] == ("answered", 0)


def test_a_maker_that_is_killed_gives_its_turn_to_who_waits(three: list[Maker], place: Path) -> None:
    first, second, third = three
    first.asked("dies", 60)
    assert first.says() == "making"
    second.asked("dies", 0.1)
    time.sleep(0.2)
    first.does(signal.SIGKILL)
    outcome, made, seconds = second.outcome()
    assert (outcome, made) == ("answered", 1)
    assert seconds < LEASE + SLACK
    third.asked("dies")
    assert third.outcome()[:2] == ("answered", 0)
    assert not list(place.glob("making/key-*"))


def test_without_a_folder_for_locks_everybody_goes_ahead(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    turns = FileTurns(tmp_path / "file" / "making", PATIENCE)
    with turns.taken("key"), turns.taken("key"):
        pass


def test_a_lock_that_another_user_made_can_be_taken_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "key").touch(mode=0o444)
    handle = taken(tmp_path / "key")
    assert handle is not None
    assert taken(tmp_path / "key") is None
    os.close(handle)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_a_turn_that_another_user_left_behind_can_be_had_and_is_given_back(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path, 0.1)
    with turns.taken("key"):
        [path] = tmp_path.iterdir()
    path.touch(mode=0o444)
    os.chown(path, 65534, 65534)
    tmp_path.chmod(0o777)
    with no_power_over_files(), turns.taken("key"):
        assert taken(path) is None
    handle = taken(path)
    assert handle is not None
    os.close(handle)


def test_without_redis_everybody_goes_ahead_and_hardly_waits() -> None:
    url = "redis://127.0.0.1:9/0"
    turns = RedisTurns(open_redis(url), open_cache(Flask("test"), url, Path(), 0), PATIENCE)
    begun = time.monotonic()
    for _ in range(20):
        with turns.taken("key"), turns.taken("key"):
            pass
    assert time.monotonic() - begun < 1


def test_where_nothing_is_kept_nobody_waits_for_another(tmp_path: Path) -> None:
    for url in ("off", "files"):
        assert isinstance(open_turns(Cache(None), url, tmp_path, PATIENCE), NoTurns)


def test_a_turn_ends_with_its_block_however_that_ends(tmp_path: Path) -> None:
    turns = FileTurns(tmp_path, PATIENCE)
    for error in (ValueError, SystemExit, Busy):
        with suppress(error), turns.taken("key"):
            raise error
    with turns.taken("key"):
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


def test_of_many_who_take_turns_two_never_have_it_together(tmp_path: Path) -> None:
    """Its file is removed by each who had it, and made anew by the next."""
    turns, inside, most = FileTurns(tmp_path, 30), [0], [0]

    def work() -> None:
        for _ in range(40):
            with turns.taken("key"):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                inside[0] -= 1

    run_together([work] * 6)
    assert most == [1]


def run_together(works: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
