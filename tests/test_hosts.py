"""What a request calls this host, or says of proxies before it, is told to nobody and kept for nobody."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.processes import serving
from tests.seed import READING, ingest, open_database
from tests.test_wire import Heard

TARGETS = [
    b"/", b"/?species=Deer&species=", b"/api/v1/reports/timeline.svg", b"/api/v1/runs?limit=1",
    b"/api/v1/openapi.json", b"/api/v1/occurrence/search?limit=1", b"/nope", b"/nope.svg",
]  # fmt: skip
LOCAL = b"Host: localhost"
LIES = {
    "another host": [b"Host: evil.example"],
    "two hosts": [LOCAL, b"Host: evil.example"],
    "two hosts, the other way round": [b"Host: evil.example", LOCAL],
    "an empty host": [b"Host:"],
    "no host": [],
    "a port that is none": [b"Host: evil.example:99999"],
    "a path": [b"Host: evil.example/../x"],
    "a user": [b"Host: localhost@evil.example"],
    "markup": [b'Host: evil.example"><script>'],
    "two words": [b"Host: evil example"],
    "a forwarded host": [LOCAL, b"X-Forwarded-Host: evil.example", b"X-Forwarded-Proto: evil"],
    "a forwarded prefix": [LOCAL, b"X-Forwarded-Prefix: /evil", b"X-Script-Name: /evil"],
    "another address": [LOCAL, b"X-Original-URL: /evil", b"X-Rewrite-URL: /evil"],
    "the standard's words": [LOCAL, b'Forwarded: for=1.2.3.4;host=evil.example;proto="evil"'],
    "a made-up client": [LOCAL, b"X-Forwarded-For: evil, 127.0.0.1", b"X-Real-IP: evil"],
}  # fmt: skip


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    home = tmp_path_factory.mktemp("home")
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        yield int(address.rpartition(":")[2])


def say(port: int, target: bytes, headers: list[bytes]) -> Heard:
    lines = [b"GET " + target + b" HTTP/1.1", *headers, b"Connection: close", b"", b""]
    received = b""
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(b"\r\n".join(lines))
        while block := connection.recv(1 << 16):
            received += block
    return Heard(received)


def honest(heard: Heard) -> tuple[int, dict[str, str], bytes]:
    return heard.status, {name: value for name, value in heard.headers.items() if name != "date"}, heard.body


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_about_the_host_is_told_to_nobody_and_kept_for_nobody(port: int, lie: str) -> None:
    for target in TARGETS:
        before = honest(say(port, target, [LOCAL]))
        for _ in range(2):
            lied = say(port, target, LIES[lie])
            assert lied.status in (before[0], 400), target
            assert b"evil" not in lied.body
            assert "evil" not in str(lied.headers)
            if lied.status != 400:
                assert honest(lied) == before
        assert honest(say(port, target, [LOCAL])) == before


@pytest.mark.parametrize("lie", LIES)
def test_what_a_liar_has_made_first_is_what_it_would_be_for_anybody(port: int, lie: str) -> None:
    number = list(LIES).index(lie) + 2
    for form in (b"svg", b"json", b"csv"):
        target = b"/api/v1/reports/timeline." + form + b"?limit=%d" % number
        lied, clean = say(port, target, LIES[lie]), say(port, target, [LOCAL])
        assert clean.status == 200
        assert b"evil" not in clean.body
        assert "evil" not in str(clean.headers)
        if lied.status != 400:
            assert honest(lied) == honest(clean)


@pytest.mark.parametrize("target", TARGETS)
def test_an_address_with_a_host_in_it_is_answered_as_one_without(port: int, target: bytes) -> None:
    before = honest(say(port, target, [LOCAL]))
    for scheme in (b"http://evil.example", b"https://user@evil.example:1", b"evil://evil.example"):
        lied = say(port, scheme + target, [LOCAL])
        assert lied.status in (before[0], 400)
        assert b"evil" not in lied.body
        assert "evil" not in str(lied.headers)
    assert honest(say(port, target, [LOCAL])) == before
