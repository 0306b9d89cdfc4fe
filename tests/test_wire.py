"""The real server as a hostile client meets it: bytes on a socket, before any library tidied them up."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.files import start
from tests.seed import READING, ingest, open_database

QUICK_SECONDS = 2.0
"""Far more than it takes (milliseconds), so that a busy machine fails nothing."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, int]]:
    """The port of a server with one worker, and its process."""
    home = tmp_path_factory.mktemp("home")
    ingest(open_database(f"sqlite:///{home / 'sightings.db'}"), READING)
    server = start(home, "serve", "--port", "0", "--workers", "1", "--no-scheduler", "--no-warm-up")
    try:
        assert server.stdout is not None
        yield int(server.stdout.readline().rpartition(":")[2]), server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=30)


class Heard:
    """An answer as it came."""

    def __init__(self, received: bytes) -> None:
        head, _, self.body = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}


def ask(port: int, line: bytes, *headers: bytes) -> Heard:
    """What the server says to these bytes, which have to be answered and not only cut off."""
    request = b"\r\n".join((line, b"Host: localhost", b"Connection: close", *headers, b"", b""))
    received = b""
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        began = time.monotonic()
        try:
            connection.sendall(request)
            while block := connection.recv(1 << 16):
                received += block
        except ConnectionResetError:  # it has heard enough, and has said so
            pass
        assert time.monotonic() - began < QUICK_SECONDS
    return Heard(received)


def get(port: int, target: bytes, *headers: bytes) -> Heard:
    return ask(port, b"GET " + target + b" HTTP/1.1", *headers)


@pytest.mark.parametrize(
    ("target", "statuses"),
    [(b"/%zz", {404}), (b"/%ff", {404}), (b"/a%00b", {404}), (b"/%c0%af", {404}), (b"/\xff", {400}),
     (b"/%0d%0aX-Evil:1", {404}), (b"/api/v1/version?%0d%0aX-Evil:1", {400}),
     (b"/api/v1/version?a=\xff", {400}),
     (b"/api/v1/version?species=%ff", {400}), (b"/api/v1/version;a=b", {404}),
     (b"//evil.example", {404}), (b"/\\evil.example", {404}), (b"/%2f%2fevil.example", {404}),
     (b"/%5cevil.example", {404}), (b"/docs//evil.example", {404}), (b"/livez/", {404}), (b"/docs/", {404}),
     (b"/static/..%2f..%2fconfig.py/page.css", {404}), (b"/static/%2e%2e/%2e%2e/config.py", {404}),
     (b"/static/x/..%5c..%5cconfig.py", {404}), (b"/%2e%2e/%2e%2e/etc/passwd", {404}),
     (b"/../../../etc/passwd", {404}), (b"/static/page.css", {404})],
)  # fmt: skip
def test_no_target_breaks_anything_leads_away_or_is_told_back(
    served: tuple[int, int], target: bytes, statuses: set[int]
) -> None:
    heard = get(served[0], target)
    assert heard.status in statuses
    assert not {"location", "x-evil"} & heard.headers.keys()
    for word in (b"evil", b"passwd", b"config.py", b"Traceback", b"root:"):
        assert word not in heard.body
    if heard.headers.get("content-type") == "application/problem+json":
        assert json.loads(heard.body)["status"] == heard.status


def resident(process: int) -> int:
    """Kilobytes of a server and of all that it has started."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    status = Path(f"/proc/{process}/status").read_text()
    own = next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0)
    return own + sum(resident(int(child)) for child in children)


def test_too_much_of_anything_is_refused_at_once_and_costs_no_memory(served: tuple[int, int]) -> None:
    port, process = served
    too_much = [
        ([b"GET /" + b"a" * 10_000 + b" HTTP/1.1"], {414}),
        ([b"GET /" + b"a" * 10_000 + b".svg HTTP/1.1"], {414}),
        ([b"GET /api/v1/version?" + b"a=1&" * 100_000 + b" HTTP/1.1"], {414}),
        ([b"GET /api/v1/reports/timeline.svg?" + b"a=1&" * 2_500 + b" HTTP/1.1"], {414}),
        ([b"GET /livez HTTP/1.1", *(b"X-%d: 1" % number for number in range(200))], {431}),
        ([b"GET /livez HTTP/1.1", b"X-A: " + b"a" * 20_000], {431}),
    ]
    for lines, _ in too_much:
        ask(port, *lines)
    before = resident(process)
    for lines, statuses in too_much * 10:
        assert ask(port, *lines).status in statuses
    assert resident(process) - before < 20_000
    assert get(port, b"/livez").status == 200


def test_methods_on_the_wire(served: tuple[int, int]) -> None:
    port, _ = served
    for method in (b"POST", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"FOO"):
        heard = ask(port, method + b" /api/v1/version HTTP/1.1", b"X-Secret: s3cret", b"Content-Length: 0")
        assert (heard.status, heard.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
        assert b"s3cret" not in heard.body
    heard = ask(port, b"OPTIONS /api/v1/version HTTP/1.1")
    assert (heard.status, heard.body, heard.headers["allow"]) == (204, b"", "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(
    "target", [b"/", b"/docs", b"/api/v1/reports/timeline.svg", b"/api/v1/reports/recent.csv",
               b"/api/v1/version", b"/api/v1/export.csv", b"/nope", b"/nope.png",
               b"/api/v1/reports/timeline.svg?limit=0"],
)  # fmt: skip
def test_head_and_get_and_304_say_the_same_on_the_wire(served: tuple[int, int], target: bytes) -> None:
    port, _ = served
    full, head = get(port, target), ask(port, b"HEAD " + target + b" HTTP/1.1")
    for heard in (full, head):
        heard.headers.pop("date")
    assert (head.status, head.body, head.headers) == (full.status, b"", full.headers)
    assert int(full.headers["content-length"]) == len(full.body)
    assert not [part for part in full.headers.get("server", "").split("/")[1:] if part]
    if "etag" in full.headers:
        again = get(port, target, b"If-None-Match: W/" + full.headers["etag"].encode())
        assert (again.status, again.body) == (304, b"")
        assert "date" in again.headers
        for name in ("etag", "vary", "cache-control", "content-security-policy"):
            assert again.headers.get(name) == full.headers.get(name)
        assert int(again.headers.get("content-length", 0)) == 0


@pytest.mark.parametrize(
    "condition",
    [b'If-None-Match: "x"', b"If-None-Match: garbage", b"If-None-Match: ", b"If-Modified-Since: junk",
     b"If-Modified-Since: Wed, 21 Oct 2065 07:28:00 GMT", b"Range: bytes=0-9", b"Range: bytes=9-0,junk",
     b"If-Match: *", b'If-Range: "x"', b"If-None-Match: " + b'"' + b"y" * 10_000 + b'"'],
)  # fmt: skip
def test_a_condition_that_does_not_hold_or_is_none_changes_nothing(
    served: tuple[int, int], condition: bytes
) -> None:
    target = b"/api/v1/reports/timeline.svg"
    heard, plain = get(served[0], target, condition), get(served[0], target)
    assert (heard.status, heard.body) == (200, plain.body)
    assert heard.headers["etag"] == plain.headers["etag"]
    missing = get(served[0], b"/nope", condition)
    assert missing.status == 404
    assert "etag" not in missing.headers


def test_the_host_that_a_request_names_is_believed_by_nobody(served: tuple[int, int]) -> None:
    port, _ = served
    plain = get(port, b"/")
    for extra in (
        b"X-Forwarded-Host: evil.example",
        b"X-Forwarded-Proto: gopher",
        b"Forwarded: host=evil.example",
    ):
        heard = get(port, b"/", extra)
        assert (heard.status, heard.body) == (200, plain.body)
    heard = get(port, b"http://evil.example/api/v1/runs?limit=1")
    assert b"evil" not in heard.body
    assert "evil" not in str(heard.headers)
