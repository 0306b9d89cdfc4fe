"""Which addresses may be asked: none that is private, in whatever spelling, unless the operator says so."""

from __future__ import annotations

import socket
from typing import Any

import pytest
import urllib3.util.connection

from ingest.sources.addresses import is_public
from ingest.sources.fetch import fetch
from ingest.sources.request import Limits
from ingest.sources.source import Unreadable
from tests.served import Served, reply, served, turns

PUBLIC = "93.184.215.14"


def names(**known: str | list[str]) -> Any:
    """A resolver that knows these names; a list is what it answers at one question after the other."""

    def resolve(host: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        asked.append(host)
        told = known[host.replace(".", "_")]
        found = told.pop(0) if isinstance(told, list) else told
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found.split()]

    asked: list[str] = []
    resolve.asked = asked  # type: ignore[attr-defined]
    return resolve


def refusal(url: str, **limits: Any) -> str:
    with pytest.raises(Unreadable) as caught:
        fetch(url, None, Limits(deadline=2, backoff=0.01, **limits))
    return str(caught.value)


@pytest.mark.parametrize(
    "address", [PUBLIC, "2606:2800:21f::1", "64:ff9b::5db8:d70e", "::ffff:93.184.215.14"]
)
def test_an_address_in_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.9.9.9", "169.254.169.254", "172.31.0.1"),
        *("192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1", "203.0.113.9", "224.0.0.1"),
        *("240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1", "fe80::1", "fe80::1%eth0", "fc00::1"),
        *("ff02::1", "::ffff:127.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe"),
        *("64:ff9b:1::1", "2002:7f00:1::", "2001:0:7f00:1::", "2001:db8::1", "3fff::1", "5f00::1"),
        *("4000::1", "", "localhost", "1.2.3"),
    ],
)
def test_every_other_address_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "2130706433", "0x7f.1", "0x7f000001", "127.1", "0177.0.0.1", "017700000001"),
        *("①②⑦.0.0.1", "１２７.0.0.1", "127。0。0。1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]"),
        *("[64:ff9b::7f00:1]", "[2002:7f00:1::]", "0", "0.0.0.0", "169.254.169.254", "192.168.1.1"),
        *("localhost", "LOCALHOST"),
    ],
)
def test_this_machine_is_refused_in_every_spelling_before_a_byte_is_sent(host: str) -> None:
    with served(turns(reply())) as server:
        told = refusal(server.url(host=host), tries=1)
        assert server.accepted == 0
    assert "allow_hosts" in told


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.org/a", "FILE://x/y"]
)
def test_only_http_and_https_are_fetched(url: str) -> None:
    assert refusal(url).endswith("is not fetched: only http and https are.")


@pytest.mark.parametrize(
    "url", ["http://", "http:///a", "http://[::1", "http://a b/", "http://a\\@b/", "http://a:x/"]
)
def test_a_broken_url_is_refused(url: str) -> None:
    assert refusal(url).endswith("is not a URL that can be understood.")


def test_a_host_that_was_named_may_be_private() -> None:
    resolve = names(station_local="127.0.0.1")
    with served(turns(reply("a,b\n"))) as server:
        for allowed in ("station.local", f"Station.Local:{server.port}"):
            url = server.url(host="station.local")
            source = fetch(url, None, Limits(allow_hosts=(allowed,), resolve=resolve))
            assert source is not None
            assert source.path.read_text() == "a,b\n"
            assert server.header("Host") == f"station.local:{server.port}"
            source.path.unlink()
        for allowed in ("station.local:1", "local", "127.0.0.1"):
            assert "127.0.0.1" in refusal(url, allow_hosts=(allowed,), resolve=resolve)
        assert server.accepted == 2


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    resolve = names(two_faces=f"{PUBLIC} 127.0.0.1")
    with served(turns(reply())) as server:
        assert "127.0.0.1" in refusal(server.url(host="two.faces"), resolve=resolve)
        assert server.accepted == 0


def test_it_is_the_checked_address_that_is_dialled_whatever_the_name_leads_to_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialled: list[str] = []

    def nobody_answers(address: tuple[str, int], *_: Any, **__: Any) -> None:
        dialled.append(address[0])
        raise ConnectionRefusedError

    resolve = names(two_faces=[PUBLIC, "127.0.0.1"])
    with served(turns(reply())) as server:
        monkeypatch.setattr(urllib3.util.connection, "create_connection", nobody_answers)
        assert "127.0.0.1" in refusal(server.url(host="two.faces"), resolve=resolve, tries=3)
        assert server.accepted == 0
    # The first try dials what was looked up for it; the second looks again, and is refused.
    assert dialled == [PUBLIC]
    assert resolve.asked == ["two.faces", "two.faces"]


def redirecting(to: str) -> bytes:
    return reply(status="302 Found", Location=to)


def test_a_redirect_is_looked_at_as_the_first_url_was() -> None:
    known = names(feeds_example="127.0.0.1", inner_example="10.0.0.1")

    def resolve(host: str, port: int, **more: Any) -> Any:
        return known(host, port) if "example" in host else socket.getaddrinfo(host, port, **more)

    with served(turns(reply())) as inside:
        urls = [inside.url(host=host) for host in ("127.0.0.1", "2130706433", "[::ffff:127.0.0.1]")]
        urls += ["http://inner.example/", "file:///etc/passwd", "gopher://127.0.0.1/", "//127.0.0.1/"]
        with served(turns(*map(redirecting, urls))) as outside:
            allowed = (f"feeds.example:{outside.port}",)
            for _ in urls:
                told = refusal(outside.url(host="feeds.example"), allow_hosts=allowed, resolve=resolve)
                assert "is refused" in told or "only http and https" in told
        assert (inside.accepted, outside.accepted) == (0, len(urls))


def test_a_password_stays_with_the_host_that_it_is_for() -> None:
    resolve = names(feeds_example="127.0.0.1", other_example="127.0.0.1")
    allowed = ("feeds.example", "other.example")
    where: list[Served] = []
    with (
        served(turns(reply("a"))) as other,
        served(lambda _: redirecting(where[0].url(host="other.example"))) as first,
    ):
        where.append(other)
        source = fetch(
            f"http://ranger:se%40cret@feeds.example:{first.port}/a?taxonKey=1&token=abc#part",
            None,
            Limits(allow_hosts=allowed, resolve=resolve),
        )
        assert source is not None
        assert first.header("Authorization") == "Basic cmFuZ2VyOnNlQGNyZXQ="
        assert first.requests[0].startswith("GET /a?taxonKey=1&token=abc HTTP/1.1")
        assert other.header("Authorization") is None
        assert source.name == f"http://feeds.example:{first.port}/a?taxonKey=1&token=***"
        source.path.unlink()
