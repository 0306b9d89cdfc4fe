"""Downloads from servers that fail in every way: bounded in time, bytes and tries, and never half."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import shutil
import ssl
import subprocess
import threading
import time
import zlib
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from ingest.sources.fetch import fetch
from ingest.sources.source import Source, Unreadable
from ingest.sources.urls import shown
from tests.conftest import missing
from tests.served import Served, drip, reply, served, turns

BODY = "date,species\n" + "".join(f"2024-05-{day:02},Lynx lynx\n" for day in range(1, 29))
CUT = reply(BODY, length=len(BODY) + 100)
SHORT = reply(BODY, length=len(BODY) - 100)
SAME = reply(status="304 Not Modified")
BUSY = reply(status="503 Service Unavailable")


def got(server: Served, folder: Path, cursor: Any = None, **limits: Any) -> tuple[str, Any]:
    """What was fetched, and the cursor of it."""
    source = fetched(server, folder, cursor, **limits)
    assert source is not None
    assert source.path.parent == folder
    text = source.path.read_text()
    assert source.size == len(text)
    source.path.unlink()
    return text, source.cursor


def fetched(server: Served, folder: Path, cursor: Any = None, **limits: Any) -> Source | None:
    return fetch(server.url(), cursor, server.limits(folder=folder, **limits))


def failure(server: Served, folder: Path, **limits: Any) -> str:
    """The sentence of a download that fails, which leaves nothing behind."""
    with pytest.raises(Unreadable) as caught:
        fetched(server, folder, **limits)
    assert list(folder.iterdir()) == []
    told = str(caught.value)
    assert told.startswith(server.url())
    assert told.endswith(".")
    return told


def test_a_download_says_who_asks_and_lies_in_a_file_of_its_own(tmp_path: Path) -> None:
    with served(turns(reply(BODY))) as server:
        assert got(server, tmp_path) == (BODY, None)
        assert server.header("User-Agent", 0).startswith("Sightings/")
        assert server.header("Accept-Encoding", 0) == "gzip"
        assert (server.accepted, len(server.requests)) == (1, 1)


def test_a_cursor_asks_whether_anything_changed(tmp_path: Path) -> None:
    when = formatdate(1_700_000_000, usegmt=True)
    with served(
        turns(reply(BODY, ETag='W/"a1"', Last_Modified=when), reply(status="304 Not Modified"))
    ) as server:
        _, cursor = got(server, tmp_path)
        assert cursor == {"etag": 'W/"a1"', "lastModified": when}
        assert server.header("If-None-Match") is None
        assert fetched(server, tmp_path, cursor) is None
        assert (server.header("If-None-Match"), server.header("If-Modified-Since")) == ('W/"a1"', when)
    assert list(tmp_path.iterdir()) == []


def test_a_tag_that_cannot_be_sent_back_is_not_kept(tmp_path: Path) -> None:
    for tag in ("a\x01b", "x" * 5_000, ""):
        with served(turns(reply(BODY, ETag=tag), reply(BODY))) as server:
            _, cursor = got(server, tmp_path)
            assert cursor is None
    with served(turns(reply(BODY, ETag='"é"'), SAME)) as server:
        assert fetched(server, tmp_path, got(server, tmp_path)[1]) is None


def test_not_modified_is_no_answer_to_who_never_had_it(tmp_path: Path) -> None:
    with served(turns(reply(status="304 Not Modified"))) as server:
        assert "answers 304" in failure(server, tmp_path)


def chunked(*pieces: str, end: str = "0\r\n\r\n") -> bytes:
    body = "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces) + end
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body.encode()


@pytest.mark.parametrize(
    "bad",
    [
        BUSY,
        reply(status="500 Internal Server Error"),
        reply(status="429 Too Many Requests", Retry_After="0"),
        CUT,
        SHORT,
        reply(BODY * 200, length=len(BODY) * 200 - 9),
        chunked(BODY, end="")[:-20],
        chunked(BODY, end=""),
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        reply(gzip.compress(BODY.encode())[:-9], Content_Encoding="gzip"),
        reply(b"no gzip at all", Content_Encoding="gzip"),
    ],
    ids=[
        *("busy", "broken", "too many", "cut", "short", "shorter than told", "cut in a chunk"),
        *(
            "without a last chunk",
            "nothing",
            "half a status line",
            "another protocol",
            "half a gzip",
            "no gzip",
        ),
    ],
)
def test_what_fails_is_tried_again_and_what_always_fails_is_given_up(bad: bytes, tmp_path: Path) -> None:
    with served(turns(bad, bad, chunked(BODY[:40], BODY[40:]))) as server:
        assert got(server, tmp_path)[0] == BODY
        assert server.accepted == 3
    with served(turns(bad)) as server:
        assert "it was tried 3 times" in failure(server, tmp_path, tries=3)
        assert server.accepted == 3


@pytest.mark.parametrize(
    "status", ["404 Not Found", "401 Unauthorized", "403 Forbidden", "204 No Content", "501 No"]
)
def test_what_will_not_change_is_not_tried_again(status: str, tmp_path: Path) -> None:
    with served(turns(reply(status=status))) as server:
        assert f"answers {status}: look whether" in failure(server, tmp_path)
        assert server.accepted == 1


def test_nobody_there_is_tried_again_too(tmp_path: Path) -> None:
    with served(turns(reply())) as server:
        pass
    assert "cannot be reached" in failure(server, tmp_path, tries=2)


def test_the_waits_grow_differ_and_heed_what_the_server_asks(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    with served(turns(BUSY)) as server:
        failure(server, tmp_path, tries=6, backoff=1, deadline=100)
        assert len(waits) == 5
        assert all(2**n / 2 <= wait <= 2**n for n, wait in enumerate(waits))
        first = waits[0]
        failure(server, tmp_path, tries=2, backoff=1)
        assert waits[-1] != first
    hours = formatdate(time.time() + 5000, usegmt=True), formatdate(time.time() + 5007, usegmt=True)
    for headers in ({"Retry_After": "7"}, {"Date": hours[0], "Retry_After": hours[1]}):
        with served(turns(reply(status="429 Too Many Requests", **headers), reply(BODY))) as server:
            assert got(server, tmp_path, deadline=100)[0] == BODY
            assert 7 <= waits[-1] < 8


def test_a_server_that_asks_for_too_much_patience_is_left_alone(tmp_path: Path) -> None:
    later = formatdate(time.time() + 9_000, usegmt=True)
    for told, limits in (("3600", {}), (later, {}), ("9" * 5000, {}), ("3", {"deadline": 2})):
        with served(turns(reply(status="429 Too Many Requests", Retry_After=told))) as server:
            started = time.monotonic()
            assert "more than is allowed" in failure(server, tmp_path, **limits)
            assert server.accepted == 1
            assert time.monotonic() - started < 2
    with served(turns(reply(status="429 No", Retry_After="soon"), reply(BODY))) as server:
        assert got(server, tmp_path)[0] == BODY


def endless_headers() -> Iterator[bytes]:
    return drip(b"HTTP/1.1 200 OK\r\nX-Long: ")


@pytest.mark.parametrize(
    "slow",
    [
        lambda: drip(reply(length=10_000)),
        lambda: drip(b"HTTP/1.0 200 OK\r\n\r\n"),
        lambda: drip(chunked(end=""), b"1\r\nx\r\n"),
        lambda: drip(chunked(end="")),
        lambda: drip(b""),
        endless_headers,
        lambda: drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["length", "no length", "chunks", "chunk size", "status", "header", "continue"],
)
def test_one_byte_at_a_time_is_ended_by_the_deadline(slow: Any, tmp_path: Path) -> None:
    with served(lambda _: slow()) as server:
        started = time.monotonic()
        assert "was not here after 0.3 s" in failure(server, tmp_path, deadline=0.3)
        assert time.monotonic() - started < 2


def test_a_server_that_falls_silent_is_tried_again(tmp_path: Path) -> None:
    done = threading.Event()

    def silent() -> Iterator[bytes]:
        yield CUT
        done.wait(5)

    answers = [silent(), reply(BODY)]
    with served(lambda _: answers.pop(0)) as server:
        started = time.monotonic()
        assert got(server, tmp_path, idle=0.1)[0] == BODY
        assert time.monotonic() - started < 3
        done.set()


def test_a_stream_without_end_is_ended_by_the_cap(tmp_path: Path) -> None:
    block = b"x" * (1 << 20)
    sent: list[int] = []

    def endless() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 OK\r\n\r\n"
        for _ in range(10_000):
            sent.append(len(block))
            yield block

    with served(lambda _: endless()) as server:
        assert "is larger than 3,000,000 bytes; fetch_max_bytes" in failure(
            server, tmp_path, max_bytes=3_000_000
        )
    assert sum(sent) < 30_000_000
    with served(turns(reply(length=10_000_000_000))) as server:
        assert "is larger than" in failure(server, tmp_path)


def bomb(megabytes: int) -> bytes:
    """Zeros, packed a thousandfold."""
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(1 << 20)
    return b"".join(packer.compress(zeros) for _ in range(megabytes)) + packer.flush()


def test_what_unpacks_to_more_than_is_allowed_is_ended_there(tmp_path: Path) -> None:
    packed = bomb(100)
    assert len(packed) < 150_000
    with served(turns(reply(packed, Content_Encoding="gzip"))) as server:
        assert "is larger than" in failure(server, tmp_path, max_bytes=5_000_000)
        source = fetched(server, tmp_path, max_bytes=100 << 20)
        assert source is not None
        assert source.size == 100 << 20


def test_a_packed_body_is_unpacked_whole(tmp_path: Path) -> None:
    packed = gzip.compress(BODY[:99].encode()) + gzip.compress(BODY[99:].encode())
    for body in (packed, packed + bytes(8)):
        for coding in ("gzip", "X-GZip"):
            with served(turns(reply(body, Content_Encoding=coding))) as server:
                assert got(server, tmp_path)[0] == BODY
    with served(turns(reply(b"", Content_Encoding="gzip"))) as server:
        assert got(server, tmp_path)[0] == ""


def test_what_was_not_asked_for_is_not_unpacked(tmp_path: Path) -> None:
    for coding in ("br", "deflate", "zstd", "gzip, gzip", "x" * 500):
        with served(turns(reply(BODY, Content_Encoding=coding))) as server:
            assert f"is packed as {coding[:20]!r}" in failure(server, tmp_path)


def test_redirects_are_followed_and_a_circle_is_not(tmp_path: Path) -> None:
    hops = [reply(status=f"{code} Go", Location=f"/at/{code}?a=b c") for code in (301, 302, 303, 307, 308)]
    with served(turns(*hops, reply(BODY))) as server:
        assert got(server, tmp_path)[0] == BODY
        assert server.requests[-1].startswith("GET /at/308?a=b%20c HTTP/1.1")
    with served(turns(reply(status="302 Found", Location="/records.csv"))) as server:
        assert "leads on and on" in failure(server, tmp_path)
        assert server.accepted == 6
    with served(turns(reply(status="302 Found"))) as server:
        assert "answers 302 Found" in failure(server, tmp_path)


def test_whatever_bytes_a_server_sends_it_is_a_file_or_one_sentence(tmp_path: Path) -> None:
    whole = [
        reply(BODY, ETag='"1"'),
        reply(gzip.compress(BODY.encode()), Content_Encoding="gzip"),
        chunked(BODY[:40], BODY[40:]),
        reply(status="302 Found", Location="/there"),
        reply(status="429 Slow down", Retry_After="0"),
    ]
    pieces = [
        *(
            b"\r\n",
            b": ",
            b"\0",
            b"\x1b[2J",
            b"\xff",
            b"Content-Length: -1\r\n",
            b"Content-Encoding: gzip\r\n",
        ),
        *(b"Transfer-Encoding: chunked\r\n", b"Location: http://[/\r\n", b"Retry-After: -5\r\n"),
    ]
    sent = [b""]
    with served(lambda _: sent[0]) as server:
        limits = server.limits(folder=tmp_path, tries=1, idle=0.2, deadline=1.0, resolve=only_here)
        for seed in range(300):
            chance = random.Random(seed)
            sent[0] = chance.choice(whole)
            for _ in range(chance.randint(1, 6)):
                place = chance.randrange(min(len(sent[0]), chance.choice([100, 10_000])) + 1)
                gone = place + chance.choice([0, 0, 1, 5])
                sent[0] = sent[0][:place] + chance.choice(pieces) + sent[0][gone:]
            try:
                source = fetch(server.url(), {"etag": '"0"'}, limits)
            except Unreadable as error:
                assert str(error).isprintable()  # noqa: PT017 - a sentence is one of the two outcomes
            else:
                if source is not None:
                    source.path.unlink()
    assert list(tmp_path.iterdir()) == []


def only_here(host: str, port: int, **_: Any) -> Any:
    if host != "127.0.0.1":
        raise OSError("no other host is known")
    return [(2, 1, 6, "", (host, port))]


def test_no_room_here_is_not_the_servers_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Full:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

    really = Path.open
    monkeypatch.setattr(Path, "open", lambda self, *how: Full(really(self, *how)))
    with served(turns(reply(BODY))) as server:
        assert "finds no room here: No space left on device" in failure(server, tmp_path)
        assert server.accepted == 1


def test_what_a_killed_ingest_left_behind_is_removed_a_day_later(tmp_path: Path) -> None:
    old, new, other = (tmp_path / name for name in ("fetched-old", "fetched-new", "mine.csv"))
    for file in (old, new, other):
        file.write_text("x")
        age = 0 if file == new else 90_000
        os.utime(file, (time.time() - age,) * 2)
    with served(turns(reply(BODY))) as server:
        source = fetched(server, tmp_path)
        assert source is not None
        source.path.unlink()
    assert sorted(tmp_path.iterdir()) == [new, other]


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://ranger:secret@a.org/x?b=1", "https://a.org/x?b=1"),
        (
            "https://a.org/x?taxonKey=5&datasetKey=9&q=key#top",
            "https://a.org/x?taxonKey=5&datasetKey=9&q=key",
        ),
        (
            "https://a.org/x?countryCode=AT&institutionCode=b&token",
            "https://a.org/x?countryCode=AT&institutionCode=b&token",
        ),
        *(
            (f"https://a.org/x?a=1&{secret}=s3", f"https://a.org/x?a=1&{secret}=***")
            for secret in (
                *(
                    "key",
                    "KEY",
                    "api_key",
                    "apiKey",
                    "apikey",
                    "access-token",
                    "accessKey",
                    "X-Amz-Signature",
                ),
                *("sig", "auth", "password", "client_secret", "subscription-key", "app%5Fkey", "userKey"),
            )
        ),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, name: str) -> None:
    assert shown(url) == name


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for feeds.example, which is its own authority, with its key."""
    if shutil.which("openssl") is None:
        missing("openssl is not installed (Debian: apt-get install openssl)")
    folder = tmp_path_factory.mktemp("authority")
    words = (
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=feeds.example"
    )
    words += " -addext subjectAltName=DNS:feeds.example -keyout key.pem -out ca.pem"
    subprocess.run(["openssl", *words.split()], cwd=folder, check=True, capture_output=True)
    return folder


def test_a_certificate_has_to_be_trusted_and_that_of_the_host(
    authority: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked_for: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "ca.pem", authority / "key.pem")
    context.sni_callback = lambda _socket, name, _context: asked_for.append(name)
    hosts = ("feeds.example", "other.example", "127.0.0.1")

    def resolve(_: str, port: int, **__: Any) -> Any:
        return [(2, 1, 6, "", ("127.0.0.1", port))]

    with served(turns(reply(BODY)), context) as server:
        limits = server.limits(allow_hosts=hosts, resolve=resolve, folder=tmp_path, tries=2)
        urls = [server.url(host=host, scheme="https") for host in hosts]
        with pytest.raises(Unreadable, match="certificate that is not trusted"):
            fetch(urls[0], None, limits)
        monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
        source = fetch(urls[0], None, limits)
        assert source is not None
        assert source.path.read_text() == BODY
        source.path.unlink()
        for url in urls[1:]:
            with pytest.raises(Unreadable, match="certificate that is not trusted"):
                fetch(url, None, limits)
        # What is not the certificate's is not tried again, and no request was sent.
        assert (server.accepted, len(server.requests)) == (4, 1)
    assert asked_for == ["feeds.example", "feeds.example", "other.example", None]
    assert list(tmp_path.iterdir()) == []


def test_what_is_encrypted_does_not_lead_to_what_is_not(
    authority: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority / "ca.pem", authority / "key.pem")
    with (
        served(turns(reply(BODY))) as plain,
        served(turns(reply(status="302 Found", Location=plain.url())), context) as server,
    ):
        limits = server.limits(
            allow_hosts=("feeds.example", "127.0.0.1"),
            resolve=lambda _, port, **__: [(2, 1, 6, "", ("127.0.0.1", port))],
            folder=tmp_path,
        )
        with pytest.raises(Unreadable, match="is not encrypted, and was led to by a URL that is"):
            fetch(server.url(host="feeds.example", scheme="https"), None, limits)
        assert plain.accepted == 0


def test_a_slow_handshake_is_ended_by_the_deadline_too(tmp_path: Path) -> None:
    with served(lambda _: itertools.repeat(b"")) as server:
        limits = server.limits(folder=tmp_path, deadline=0.3)
        started = time.monotonic()
        with pytest.raises(Unreadable, match=r"was not here after 0\.3 s"):
            fetch(server.url(scheme="https"), None, limits)
        assert time.monotonic() - started < 2
