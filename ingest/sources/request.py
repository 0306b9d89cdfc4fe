"""One GET of one URL at a checked address, within a deadline; follows and keeps nothing."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from ingest.sources.addresses import Resolve, addresses
from ingest.sources.urls import Target

USER_AGENT = "Sightings/1 (wildlife records)"
_GRACE = 0.05
"""Seconds for what comes behind the announced end; a server that closes, as it is asked to, costs none."""
BROKEN = (OSError, HTTPError, HTTPException)
"""What comes out of a connection that fails, whatever it does."""
# It warns of odd headers with the whole URL, and there may be a password in that.
logging.getLogger("urllib3").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Limits:
    """How far a download may go."""

    allow_hosts: tuple[str, ...] = ()
    """Hosts, or hosts with a port, whose addresses may be private."""
    max_bytes: int = 2 << 30
    """Of one input, as sent and unpacked."""
    deadline: float = 1800
    """Seconds for one input, with all its tries, redirects and pages."""
    idle: float = 30
    """Seconds without a single byte after which a connection is given up."""
    tries: int = 4
    backoff: float = 1.0
    """Seconds before the second try; twice as many before each further one."""
    most_wait: float = 120
    """Seconds that a server may ask to wait."""
    pause: float = 1.0
    """Seconds between two pages: what public services ask of their users."""
    folder: Path | None = None
    """Where what was fetched lies until it is read; the system's folder for temporary files if not said."""
    resolve: Resolve | None = None
    """Who knows the addresses of names; the system if not said."""


class TooLate(Exception):
    """The deadline has passed."""


class Clock:
    """The time that is left of a deadline."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self, at_most: float) -> float:
        """Seconds, no more than asked for. Raises TooLate where there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TooLate
        return min(left, at_most)

    def ends_within(self, seconds: float) -> bool:
        """Whether the deadline comes before so many seconds have passed."""
        return self._end - time.monotonic() <= seconds


class _Hurried(io.RawIOBase):
    """Reads from a socket, each time for no longer than there is time.

    A socket's own timeout begins anew with every byte: whoever sends one a second is never late.
    """

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, clock: Clock, idle: float) -> None:
        self._raw, self._sock, self._clock, self._idle = raw, sock, clock, idle
        self.done = False
        """Nothing more should come."""

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """What is there, into the buffer."""
        self._sock.settimeout(self._clock.left(_GRACE if self.done else self._idle))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """And the socket with it."""
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """A response whose every byte, headers too, is read against the clock."""

    def __init__(self, clock: Clock, idle: float, sock: socket.socket, **given: Any) -> None:
        super().__init__(sock, **given)
        self._hurried = _Hurried(self.fp.detach(), sock, clock, idle)
        self.fp = io.BufferedReader(self._hurried)

    def _close_conn(self) -> None:
        """At the end of the body. Who announces less than he sends would have us keep half a file."""
        self._hurried.done = True
        try:
            more = self.length == 0 and bool(self.fp.peek(1))
        except (OSError, TooLate):
            more = False
        super()._close_conn()  # type: ignore[misc]
        if more:
            raise HTTPException("there is more than was announced")


@contextmanager
def get(
    target: Target, headers: Mapping[str, str], limits: Limits, clock: Clock
) -> Iterator[BaseHTTPResponse]:
    """The answer to one GET, its body still to be read; closed with the block.

    The addresses of the host are looked up once, and it is one of those that is connected to.

    Raises:
        Unreadable: for an address that may not be asked, before a byte is sent.
        TooLate: at the deadline.
        BROKEN: for whatever goes wrong in between.
    """
    found = addresses(target.host, target.port, limits.allow_hosts, limits.resolve)
    connection = _connected(target, found, limits, clock)
    try:
        connection.response_class = partial(_Answer, clock, limits.idle)  # type: ignore[assignment]
        asked = {"Host": target.host_header, "User-Agent": USER_AGENT, "Connection": "close", **headers}
        connection.request("GET", target.path, headers=asked, preload_content=False, decode_content=False)
        response = connection.getresponse()
        try:
            yield response
        finally:
            response.close()
    finally:
        connection.close()


def _connected(target: Target, found: list[str], limits: Limits, clock: Clock) -> HTTPConnection:
    """A connection to the first address that takes it."""
    for number, address in enumerate(found, 1):
        connection = _connection(target, address, clock.left(limits.idle))
        try:
            connection.connect()
        except BROKEN:
            connection.close()
            if number == len(found):
                raise
        else:
            return connection
    raise OSError(f"{target.host} has no address")


def _connection(target: Target, address: str, timeout: float) -> HTTPConnection:
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=timeout)
    # The certificate has to be that of the host, whatever the number that is dialled.
    return HTTPSConnection(
        address,
        target.port,
        timeout=timeout,
        server_hostname=target.host,
        ssl_context=ssl.create_default_context(),
    )
