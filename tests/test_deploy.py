"""Nginx and systemd as we ship them: a real nginx before a real server that is fresh, away, or attacked."""

from __future__ import annotations

import configparser
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests

from bench.nginx import in_front
from tests.files import manage
from tests.processes import serving
from tests.served import reply
from tests.served import served as upstream

DEPLOY = Path(__file__).resolve().parent.parent / "deploy"
CHART = "/api/v1/reports/timeline.svg?species="
SECONDS = 30
ATTACKERS = 50
QUICK_SECONDS = 1.0


@contextmanager
def fronted(home: Path, *words: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """A server with nginx in front of it: its process, its own address, and the one of nginx."""
    with (
        serving(home, "--no-scheduler", "--no-warm-up", *words, **settings) as (server, address),
        in_front(home / "nginx", int(address.rpartition(":")[2])) as front,
    ):
        yield server, address, front


def records(folder: Path, name: str, count: int) -> Path:
    file = folder / f"{name}.csv"
    file.write_text(f"id,date,species,count\n{name},2024-05-01,{name},{count}\n")
    return file


def get(address: str, **headers: str) -> requests.Response:
    return requests.get(
        address, headers={key.replace("_", "-"): headers[key] for key in headers}, timeout=SECONDS
    )


def told(answer: requests.Response) -> str:
    """What nginx says became of the request."""
    return answer.headers.get("Cache-Status", "")


@pytest.fixture(scope="module")
def station(nginx: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str, str]]:
    """Wolves, bears, and many hares; its home, the address of the server and the one of nginx."""
    home = tmp_path_factory.mktemp("home")
    hares = [f"hare{number},2023-05-01,Hare,1,{'far away ' * 60}" for number in range(300)]
    (home / "hares.csv").write_text("\n".join(("id,date,species,count,locality", *hares)))
    assert manage(home, "ingest", home / "hares.csv", "--feed", "hills").returncode == 0
    for name in ("Wolf", "Bear"):
        assert manage(home, "ingest", records(home, name, 2), "--feed", "park").returncode == 0
    with fronted(home, "--workers", "1") as (_, address, front):
        yield home, address, front


def test_the_first_answer_after_a_commit_shows_it_and_the_other_chart_comes_from_the_store(
    station: tuple[Path, str, str],
) -> None:
    home, _, front = station
    wolves, bears = (get(front + CHART + name) for name in ("Wolf", "Bear"))
    assert (told(wolves), wolves.headers["X-Data-Version"]) == ("nginx; fwd=uri-miss", "3")
    for count in (3, 4, 5):
        assert manage(home, "ingest", records(home, "Wolf", count), "--feed", "park").returncode == 0
        after = get(front + CHART + "Wolf")
        assert f'data-value="{count}"' in after.text
        assert told(after) == "nginx; fwd=stale"
        same = get(front + CHART + "Bear")
        assert (same.content, same.headers["ETag"]) == (bears.content, bears.headers["ETag"])
        # The version that is stored with it is older than the one that was just seen.
        assert told(same) == "nginx; fwd=stale; fwd-status=304"
        assert "X-Data-Version" not in same.headers


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
def test_a_client_gets_the_servers_own_answer_and_its_304(
    station: tuple[Path, str, str], coding: str
) -> None:
    _, address, front = station
    ours, through = (get(base + CHART + "Bear", Accept_Encoding=coding) for base in (address, front))
    again = get(front + CHART + "Bear", Accept_Encoding=coding)
    assert ours.content == through.content == again.content
    for answer in (through, again):
        assert answer.headers.get("Content-Encoding", "identity") == coding
        assert without(answer) == without(ours)
    unchanged, ours = (
        get(base + CHART + "Bear", Accept_Encoding=coding, If_None_Match=ours.headers["ETag"])
        for base in (front, address)
    )
    assert (unchanged.status_code, told(unchanged)) == (304, "nginx; fwd=request")
    assert unchanged.headers["X-Data-Version"] == ours.headers["X-Data-Version"]
    assert without(unchanged) == without(ours)


def without(answer: requests.Response) -> dict[str, str]:
    """Its headers, but those of the moment, of the connection and of nginx."""
    apart = ("date", "server", "connection", "x-accel-expires", "cache-status", "x-data-version")
    return {name: value for name, value in answer.headers.lower_items() if name not in apart}


def test_what_is_wrong_and_what_may_not_be_kept_is_asked_for_again(station: tuple[Path, str, str]) -> None:
    _, _, front = station
    for path, status in (("/nope", 404), ("/divide.json?numerator=1&denominator=0", 500), ("/", 200)):
        for _ in range(2):
            answer = get(front + path)
            assert (answer.status_code, told(answer)) == (status, "nginx; fwd=uri-miss")
    assert get(front + CHART + "Bear", If_Match='"another"').status_code == 412


def test_a_body_is_refused_and_what_is_for_the_machine_is_closed_to_others(
    station: tuple[Path, str, str],
) -> None:
    _, _, front = station
    assert requests.post(front + "/api/v1/version", timeout=SECONDS).status_code == 405
    assert requests.post(front + "/api/v1/version", data=b"x" * 3_000_000, timeout=SECONDS).status_code == 413
    assert (
        requests.post(front + "/api/v1/version", data=iter([b"chunk"] * 9), timeout=SECONDS).status_code
        == 413
    )
    # Whoever comes through a proxy is not on this machine, although the proxy is.
    assert [get(front + path).status_code for path in ("/readyz", "/livez", "/metrics")] == [200, 200, 403]


def test_a_client_cannot_say_that_he_is_another_one(nginx: None, tmp_path: Path) -> None:
    names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded")
    spoofed = dict.fromkeys(names, "203.0.113.7, evil.example")
    with upstream(lambda _: reply("here")) as server, in_front(tmp_path / "nginx", server.port) as front:
        assert requests.get(front + "/", headers=spoofed, timeout=SECONDS).text == "here"
        (request,) = [one for one in server.requests if one.startswith("GET / ")]
    lines = [line.lower() for line in request.split("\r\n")]
    assert [line for line in lines if line.startswith("x-forwarded-for")] == ["x-forwarded-for: 127.0.0.1"]
    assert "x-forwarded-proto: http" in lines
    assert "evil.example" not in request


def test_where_the_server_is_away_what_was_seen_is_shown_and_said_to_be_stale(
    nginx: None, home: Path
) -> None:
    assert manage(home, "ingest", records(home, "Wolf", 2), "--feed", "park").returncode == 0
    pinned = CHART + "Wolf&asOf=1"
    with fronted(home, "--workers", "1") as (server, _, front):
        seen, fixed = get(front + CHART + "Wolf"), get(front + pinned)
        assert told(get(front + pinned)) == "nginx; hit"
        server.terminate()
        server.wait(SECONDS)
        stale = get(front + CHART + "Wolf")
        assert (stale.status_code, stale.content) == (200, seen.content)
        assert told(stale) == "nginx; hit; detail=stale"
        still = get(front + CHART + "Wolf", If_None_Match=seen.headers["ETag"])
        assert (still.status_code, told(still)) == (304, "nginx; hit; detail=stale")
        for_good = get(front + pinned)
        assert (for_good.content, told(for_good)) == (fixed.content, "nginx; hit")
        assert "immutable" in for_good.headers["Cache-Control"]
        # A page that polls has to notice; what was never seen cannot be shown.
        for path in ("/api/v1/version", CHART + "Bear", "/"):
            away = get(front + path)
            assert (away.status_code, away.headers["Retry-After"]) == (503, "5")
            assert away.headers["Content-Type"] == "application/problem+json"
            assert (away.headers["Cache-Control"], away.json()["status"]) == ("no-store", 503)


@pytest.mark.parametrize("behind_nginx", [True, False])
@pytest.mark.parametrize("attack", ["headers", "body", "reading"])
def test_fifty_slow_clients_hold_nobody_up(
    station: tuple[Path, str, str], attack: str, behind_nginx: bool
) -> None:
    _, address, front = station
    base = front if behind_nginx else address
    host, port = base.removeprefix("http://").split(":")
    head = b"GET /api/v1/occurrence/search?limit=300 HTTP/1.1\r\nHost: localhost\r\n"
    sent = {
        "headers": head + b"X-Slow: ",
        "body": head.replace(b"GET", b"POST") + b"Content-Length: 1\r\n\r\n",
        "reading": head + b"\r\n",
    }
    # More than the system buffers for a client that does not read.
    assert len(get(base + "/api/v1/occurrence/search?limit=300").content) > 200_000
    with ExitStack() as stack:
        for _ in range(ATTACKERS):
            attacker = stack.enter_context(socket.create_connection((host, int(port)), SECONDS))
            if attack == "reading":
                attacker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2_048)
            attacker.sendall(sent[attack])
        # The best of three, because this machine may be busy with something else.
        took = [get(base + CHART + "Bear") for _ in range(3)]
        assert all(answer.status_code == 200 for answer in took)
        assert min(answer.elapsed.total_seconds() for answer in took) < QUICK_SECONDS


def test_the_unit_starts_the_server_from_the_folder_that_the_guide_names() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DEPLOY / "sightings.service")
    service = unit["Service"]
    assert service["ExecStart"].split() == [
        "/opt/sightings/.venv/bin/python", "/opt/sightings/manage.py", "serve"
    ]  # fmt: skip
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["StateDirectory"] == "sightings"
    guide = (DEPLOY / "README.md").read_text(encoding="utf-8")
    assert "/opt/sightings" in guide


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd is not installed")
    # Where it is tried, neither the folder nor the user is there.
    text = (DEPLOY / "sightings.service").read_text(encoding="utf-8")
    text = text.replace("/opt/sightings/.venv/bin/python", "/usr/bin/env").replace(
        "User=sightings", "User=root"
    )
    unit = tmp_path / "sightings.service"
    unit.write_text(text)
    done = subprocess.run([program, "verify", "--man=no", unit], capture_output=True, text=True)
    assert [line for line in done.stderr.splitlines() if "sightings" in line] == []
