"""A server that is started anew, stopped, hurt or killed: nobody who asks notices, and nothing is left."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import requests

from api.serving.server import REPLACED_AFTER_SECONDS
from bench.nginx import in_front
from tests.files import environment, manage, start
from tests.processes import answers, below, children, running, schedulers, serving, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which sockets listen")
ROOT = Path(__file__).resolve().parent.parent
CHART = "/api/v1/reports/timeline.svg?species=Wolf"
SECONDS = 60


@pytest.fixture(autouse=True)
def _hears_sighup() -> Iterator[None]:
    """Whoever runs these under nohup ignores it, and so would all that is started here."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def station(home: Path) -> Path:
    """A home with wolves, and a title."""
    (home / "sightings.toml").write_text('title = "Before"\n')
    (home / "wolves.csv").write_text("id,date,species,count\n1,2024-05-01,Wolf,2\n")
    assert manage(home, "ingest", home / "wolves.csv", "--feed", "park").returncode == 0
    return home


class Asked:
    """What several clients heard who asked again and again, each on a new connection or on its own."""

    def __init__(self) -> None:
        self.good, self.bad = 0, list[str]()


@contextmanager
def asking(address: str, clients: int = 4) -> Iterator[Asked]:
    """Clients that ask for as long as the block lasts."""
    asked, done = Asked(), threading.Event()

    def ask(keeps: bool) -> None:
        with requests.Session() as session:
            while not done.wait(0.005):
                try:
                    answer = (session if keeps else requests).get(address, timeout=SECONDS)
                    if answer.status_code == 200:
                        asked.good += 1
                    else:
                        asked.bad.append(f"{answer.status_code} {answer.text[:100]}")
                except requests.RequestException as error:
                    asked.bad.append(repr(error))

    threads = [threading.Thread(target=ask, args=[number % 2 == 0]) for number in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        done.set()
        for thread in threads:
            thread.join()


def server_of(serve: subprocess.Popen[str]) -> list[int]:
    """The main processes of the servers that this one has started; one, but while it is being exchanged."""
    return [child for child in children(serve.pid) if "granian" in command_of(child)]


def command_of(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


def test_a_new_release_takes_over_behind_nginx_without_a_failed_request(nginx: None, station: Path) -> None:
    with (
        serving(station, "--workers", "2") as (serve, address),
        in_front(station / "nginx", int(address.rpartition(":")[2])) as front,
        asking(front + CHART) as asked,
    ):
        assert until(lambda: len(schedulers(serve)) == 1, SECONDS)
        for title in ("Between", "After"):
            (server,), planner, told = server_of(serve), schedulers(serve), asked.good
            old = [server, *below(server)]
            (station / "sightings.toml").write_text(f'title = "{title}"\n')
            serve.send_signal(signal.SIGHUP)
            assert until(lambda server=server: server_of(serve) not in ([], [server]), SECONDS)
            assert until(lambda old=old: not any(map(running, old)), SECONDS)
            assert until(lambda planner=planner: schedulers(serve) not in ([], planner), SECONDS)
            assert f"{title}</a></h1>" in requests.get(front + "/", timeout=SECONDS).text
            assert asked.good > told
    assert asked.bad == []
    assert serve.returncode == 0


def test_a_release_that_does_not_start_leaves_the_old_one_serving(station: Path) -> None:
    with serving(station, "--workers", "1", "--no-scheduler", "--no-warm-up") as (serve, address):
        (server,) = server_of(serve)
        (station / "sightings.toml").write_text('titel = "After"\n')
        serve.send_signal(signal.SIGHUP)
        assert until(lambda: len(server_of(serve)) == 2, SECONDS)
        # At once where the machine is idle; else when the minute is over that a server has to get ready.
        assert until(lambda: server_of(serve) == [server], 2 * SECONDS)
        assert "Before</a></h1>" in requests.get(address + "/", timeout=SECONDS).text
        # And it still listens to what it is told.
        (station / "sightings.toml").write_text('title = "After"\n')
        serve.send_signal(signal.SIGHUP)
        assert until(lambda: server_of(serve) not in ([], [server]) and not running(server), SECONDS)
        assert "After</a></h1>" in requests.get(address + "/", timeout=SECONDS).text
        serve.send_signal(signal.SIGTERM)
        assert "does not get ready" in serve.communicate(timeout=SECONDS)[1]


def test_what_is_being_answered_when_it_is_told_to_stop_is_answered(station: Path) -> None:
    with serving(station, "--workers", "1", "--no-scheduler", "--no-warm-up") as (serve, address):
        port = int(address.rpartition(":")[2])
        clients = [socket.create_connection(("127.0.0.1", port), SECONDS) for _ in range(6)]
        for number, client in enumerate(clients):
            drawn = f"GET {CHART}&width={500 + number} HTTP/1.1\r\nHost: localhost\r\n\r\n"
            client.sendall(drawn.encode())
        select.select(clients, [], [], SECONDS)  # one has been drawn: all have been heard, and some are drawn
        serve.send_signal(signal.SIGTERM)
        heard = [b"".join(iter(lambda client=client: client.recv(1 << 16), b"")) for client in clients]
        for client in clients:
            client.close()
        assert all(one.startswith(b"HTTP/1.1 200") and one.endswith(b"</svg>\n") for one in heard)
        assert serve.wait(SECONDS) == 0


def test_a_worker_that_holds_too_much_is_replaced_without_a_failed_request(
    nginx: None, station: Path
) -> None:
    # Any worker holds more than this, so that each is replaced as soon as it is looked at.
    with (
        serving(station, "--workers", "2", "--no-scheduler", "--no-warm-up", worker_memory="64MiB") as (
            serve,
            address,
        ),
        in_front(station / "nginx", int(address.rpartition(":")[2])) as front,
        asking(front + CHART, 2) as asked,
    ):
        (server,) = server_of(serve)
        first = children(server)
        assert until(lambda: len(children(server)) >= 2 and not set(first) & set(children(server)), SECONDS)
        assert server_of(serve) == [server]
    assert asked.bad == []
    assert asked.good > 10


def test_a_worker_without_memory_survives_or_is_replaced_and_the_other_one_answers(station: Path) -> None:
    with serving(station, "--workers", "2", "--no-scheduler", "--no-warm-up") as (serve, address):
        (server,) = server_of(serve)
        assert until(lambda: len(children(server)) == 2, SECONDS)
        # Where a worker dies that is younger than this, the whole server ends and is started anew.
        time.sleep(REPLACED_AFTER_SECONDS + 1)
        poor, rich = children(server)
        size = int(Path(f"/proc/{poor}/statm").read_text().split()[0]) * resource.getpagesize()
        resource.prlimit(poor, resource.RLIMIT_AS, (size + 2**20, resource.RLIM_INFINITY))
        heard: list[int] = []
        deadline = time.monotonic() + SECONDS  # the rich one may still be starting
        while (heard.count(200) <= 5 or len(heard) < 30) and time.monotonic() < deadline:
            try:
                wanted = f"{address}/api/v1/reports/map.png?width={600 + len(heard) % 900}&height=900"
                heard.append(requests.get(wanted, timeout=3).status_code)
            except (requests.ConnectionError, requests.Timeout):
                heard.append(0)
        # What the poor one cannot do fails, one by one; what the other one is asked does not.
        assert heard.count(200) > 5
        assert running(rich)
        with suppress(ProcessLookupError):
            resource.prlimit(poor, resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert until(lambda: len(children(server)) == 2, SECONDS)
        assert until(lambda: all(answers(address) for _ in range(20)))


@pytest.mark.parametrize("after", [0.1, 0.3, 0.6, 1.0])
def test_what_a_serve_that_is_killed_while_it_starts_had_started_ends_with_it(
    home: Path, after: float
) -> None:
    serve = start(home, "serve", "--port", "0", "--workers", "2")
    try:
        assert until(lambda: len(children(serve.pid)) == 3, SECONDS)
        # The server has its workers by then or not, and these have their handlers of signals or not.
        time.sleep(after)
        started = below(serve.pid)
        serve.kill()
        assert until(lambda: not any(map(running, started)))
    finally:
        serve.communicate(timeout=SECONDS)


def test_a_worker_that_is_not_ready_yet_does_not_hold_up_the_stop(home: Path) -> None:
    serve = start(home, "serve", "--port", "0", "--workers", "2", "--no-scheduler", "--no-warm-up")
    assert until(lambda: len(below(serve.pid)) == 3, SECONDS)
    began = time.monotonic()
    serve.terminate()
    assert serve.wait(SECONDS) == 0
    assert time.monotonic() - began < 12  # and not until it is killed, after 15
    serve.communicate()


def test_it_stops_when_the_terminal_is_gone_that_it_was_started_in(home: Path) -> None:
    ours, its = pty.openpty()
    words = [
        sys.executable,
        str(ROOT / "manage.py"),
        "serve",
        "--port",
        "0",
        "--workers",
        "1",
        "--no-scheduler",
        "--no-warm-up",
    ]
    serve = subprocess.Popen(
        words, cwd=home, env=environment(home), stdout=subprocess.PIPE, stderr=its, text=True
    )
    os.close(its)
    try:
        assert serve.stdout is not None
        assert serve.stdout.readline().startswith("Sightings is on")
        os.close(ours)
        serve.send_signal(signal.SIGHUP)
        assert serve.wait(SECONDS) == 0
    finally:
        serve.kill()
        serve.communicate()
