"""More is wanted than can be drawn: one drawing for all who want the same, an end to the queue, no leak."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.keeping.flight import QUEUE
from api.keeping.locks import Places
from api.serving.server import REPLACED_AFTER_SECONDS, _server_words
from tests.conftest import free_port
from tests.files import ROOT, environment
from tests.seed import READING, ingest, open_database
from tests.slowed import LOG, SECONDS

SLOTS = 2
HOT = 250
"""The width of a chart that is asked for again and again."""
START_SECONDS = 60


@dataclass(frozen=True)
class Answered:
    status: int
    headers: dict[str, str]
    body: bytes
    seconds: float


@dataclass(frozen=True)
class Slowed:
    """A server of two workers whose timelines take their time."""

    home: Path
    port: int
    since: float
    server: subprocess.Popen[bytes]

    def ask(self, path: str, ready: Callable[[], object] = lambda: None) -> Answered:
        """Connect, wait until ready, ask."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.connect()
            ready()
            begun = time.monotonic()
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            return Answered(response.status, dict(response.getheaders()), body, time.monotonic() - begun)
        finally:
            connection.close()

    def leave(self, path: str, after: float) -> None:
        """Ask, and go away before there is an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request("GET", path)
        time.sleep(after)
        connection.close()

    def drawn(self, *widths: int) -> list[tuple[float, float]]:
        """When charts of these widths were drawn, from when to when; of all, if none are named."""
        lines = [line.split() for line in (self.home / "drawn").read_text().splitlines()]
        return [(float(a), float(b)) for width, a, b in lines if not widths or int(width) in widths]

    def workers(self) -> list[int]:
        """Its processes that answer."""
        main = self.server.pid
        tasks = Path(f"/proc/{main}/task").glob("*/children")
        children = [int(one) for task in tasks for one in task.read_text().split()]
        return [one for one in children if "tracker" not in Path(f"/proc/{one}/cmdline").read_text()]

    def open_things(self) -> int:
        """Threads and open files of all its processes."""
        return sum(
            len(list(Path(f"/proc/{pid}/{kind}").iterdir()))
            for pid in self.workers()
            for kind in ("task", "fd")
        )


def chart(width: int) -> str:
    return f"/api/v1/reports/timeline.svg?width={width}"


@contextmanager
def slowed(home: Path, seconds: float, **settings: str) -> Iterator[Slowed]:
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    port = free_port()
    words = [*_server_words("127.0.0.1", port, 2, 1 << 30)[:-1], "tests.slowed:create_worker"]
    named = environment(home, render_slots=str(SLOTS), workers="2", misses_per_minute="0", **settings)
    named |= {SECONDS: str(seconds), LOG: str(home / "drawn"), "PYTHONPATH": str(ROOT)}
    server = subprocess.Popen(words, env=named, cwd=home, start_new_session=True)
    here = Slowed(home, port, time.monotonic(), server)
    try:
        until = time.monotonic() + START_SECONDS
        while True:
            try:
                assert here.ask("/livez").status == 200
                break
            except OSError:
                assert server.poll() is None
                assert time.monotonic() < until
                time.sleep(0.1)
        yield here
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):  # its workers are given as long as that
            server.wait(20)
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slowed]:
    with slowed(tmp_path_factory.mktemp("home"), 0.2) as here:
        yield here


def all_at_once(server: Slowed, paths: list[str]) -> list[Answered]:
    """The answers to all of these, asked at the same moment by as many clients."""
    barrier, answers = threading.Barrier(len(paths)), dict[int, Answered]()

    def work(number: int, path: str) -> None:
        answers[number] = server.ask(path, barrier.wait)

    threads = [threading.Thread(target=work, args=one) for one in enumerate(paths)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answers[number] for number in range(len(paths))]


def at_most_together(spans: list[tuple[float, float]]) -> int:
    moments = sorted([(begun, 1) for begun, _ in spans] + [(ended, -1) for _, ended in spans])
    now = most = 0
    for _, step in moments:
        now += step
        most = max(most, now)
    return most


def test_a_hundred_who_want_one_cold_chart_get_one_drawing(server: Slowed, soak: bool) -> None:
    for width in range(701, 721 if soak else 703):
        answers = all_at_once(server, [chart(width)] * 100)
        assert {answer.status for answer in answers} == {200}
        assert len({answer.body for answer in answers}) == 1
        [(begun, ended)] = server.drawn(width)
        slowest = max(answer.seconds for answer in answers)
        assert slowest - (ended - begun) < 3  # on a busy machine; make bench tells how much it is on yours


def test_fifty_cold_charts_at_once_are_drawn_two_at_a_time_and_the_rest_is_told_to_come_again(
    server: Slowed,
) -> None:
    before, over, lives = len(server.drawn()), threading.Event(), list[Answered]()

    def watch() -> None:
        while not over.is_set():
            lives.append(server.ask("/livez"))
            time.sleep(0.05)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        paths = [chart(width) for width in range(801, 851)]
        answers = all_at_once(server, paths)
    finally:
        over.set()
        watching.join()
    refused = [path for path, answer in zip(paths, answers, strict=True) if answer.status == 503]
    assert {answer.status for answer in answers} == {200, 503}
    assert len(paths) - len(refused) >= SLOTS * QUEUE
    for answer in answers:
        if answer.status == 503:
            assert int(answer.headers["retry-after"]) > 0
            assert answer.headers["cache-control"] == "no-store"
            assert answer.seconds < 5
    assert at_most_together(server.drawn()[before:]) == SLOTS
    assert {life.status for life in lives} == {200}
    assert max(life.seconds for life in lives) < 2  # likewise
    assert server.ask(refused[0]).status == 200


def test_clients_who_leave_while_their_chart_is_drawn_leave_nothing_behind(
    server: Slowed, soak: bool
) -> None:
    def everybody_leaves(first: int, number: int) -> None:
        for start in range(first, first + number, 10):
            threads = [
                threading.Thread(target=server.leave, args=(chart(width), 0.1))
                for width in range(start, start + 10)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def rested() -> int:
        settled(server)
        return server.open_things()

    # As many threads as there will ever be: of one spelling all but the first would wait without one.
    all_at_once(server, [chart(900) + "&" * number for number in range(70)])
    everybody_leaves(901, 20)
    before = rested()
    everybody_leaves(1000, 400 if soak else 100)
    assert rested() <= before + 4
    places = Places(server.home / "making", "slot", SLOTS)
    handles = [places.free() for _ in range(SLOTS)]
    assert None not in handles
    for handle in handles:
        os.close(handle or 0)
    assert not list(server.home.glob("making/key-*"))
    assert server.ask(chart(1001)).status == 200


def settled(server: Slowed) -> None:
    """Wait until nothing is drawn any more."""
    until, before = time.monotonic() + 60, -1
    while (now := len(server.drawn())) != before or list(server.home.glob("making/key-*")):
        assert time.monotonic() < until
        before = now
        time.sleep(0.5)


def test_a_worker_that_is_killed_in_the_middle_frees_what_it_held(server: Slowed) -> None:
    """Whoever asked it is cut off; whoever asks again is answered, by the other or by its successor."""

    def ask(width: int) -> None:
        with suppress(OSError, http.client.HTTPException):
            answers.append(server.ask(chart(width)))

    # One that dies at once after its start, granian does not replace: it ends, and serve starts it anew.
    time.sleep(max(0.0, server.since + REPLACED_AFTER_SECONDS + 2 - time.monotonic()))
    answers: list[Answered] = []
    asking = [threading.Thread(target=ask, args=[width]) for width in range(2001, 2009)]
    for thread in asking:
        thread.start()
    time.sleep(0.1)
    os.kill(server.workers()[0], signal.SIGKILL)
    for thread in asking:
        thread.join()
    assert {answer.status for answer in answers} <= {200}
    begun = time.monotonic()
    for width in range(2001, 2009):
        assert server.ask(chart(width)).status == 200
    assert time.monotonic() - begun < 15


def test_more_charts_than_can_be_kept_drive_out_neither_the_bounds_nor_the_one_that_is_wanted(
    tmp_path: Path, soak: bool
) -> None:
    charts, mib = (10_000, 32) if soak else (240, 2)
    with slowed(tmp_path, 0.0, cache_bytes=f"{mib}MiB", edge_bytes="1MiB") as server:
        server.ask(chart(HOT))
        widths = iter(range(1_000, 1_000 + charts))

        def work() -> None:
            for width in widths:
                path = f"/api/v1/reports/timeline.svg?width={300 + width % 2000}&height={200 + width // 2000}"
                assert server.ask(path).status == 200
                if width % 10 == 0:
                    assert server.ask(chart(HOT)).status == 200

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        sizes = [path.stat().st_blocks * 512 for path in (tmp_path / "cache").iterdir()]
        assert mib * 0.5 < sum(sizes) / 2**20 <= mib * 1.1
        assert len(server.drawn(HOT)) == 1
        assert len(server.workers()) == 2
        for worker in server.workers():
            status = Path(f"/proc/{worker}/status").read_text()
            [kib] = [line.split()[1] for line in status.splitlines() if line.startswith("VmRSS")]
            assert int(kib) < 200 * 1024
