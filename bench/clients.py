"""Many clients at once, in one event loop: each with a connection of its own. Knows no page and no chart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Heard:
    """What came back, over all clients of a kind."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    versions_went_back: int = 0

    @property
    def failed(self) -> int:
        """Answers that are a failure of the server, and none at all."""
        return sum(amount for status, amount in self.statuses.items() if status >= 500 or status == 0)

    def percentile(self, share: float) -> float:
        """The time that this share of the answers took at most."""
        if not self.seconds:
            return float("nan")
        return sorted(self.seconds)[min(len(self.seconds) - 1, int(len(self.seconds) * share))]


class Client:
    """One connection that is kept open, and what it has been told."""

    def __init__(self, origin: str, heard: Heard) -> None:
        self._parts, self._heard = urlsplit(origin), heard
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._version = 0
        self.tag = ""

    async def get(self, path: str, *, conditional: bool = False) -> tuple[int, bytes]:
        """Status and body of one answer; status 0 where the connection broke."""
        started = time.perf_counter()
        try:
            status, headers, body = await self._exchange(path, self.tag if conditional else "")
        except (OSError, EOFError, ValueError):
            await self.close()
            status, headers, body = 0, {}, b""
        self._heard.seconds.append(time.perf_counter() - started)
        self._heard.statuses[status] = self._heard.statuses.get(status, 0) + 1
        self.tag = headers.get("etag", self.tag)
        version = int(headers.get("x-data-version", self._version))
        self._heard.versions_went_back += version < self._version
        self._version = version
        return status, body

    async def _exchange(self, path: str, tag: str) -> tuple[int, dict[str, str], bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._parts.hostname, self._parts.port)
        reader, writer = self._streams
        condition = f"If-None-Match: {tag}\r\n" if tag else ""
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {self._parts.netloc}\r\n{condition}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        pairs = (line.partition(": ") for line in head[1:] if line)
        headers = {name.lower(): value for name, _, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        return int(head[0].split()[1]), headers, body

    async def close(self) -> None:
        """Let the connection go."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


async def at_once(origin: str, paths: Sequence[str]) -> Heard:
    """Ask for all of these at the same moment, each by a client that is connected already."""
    heard, ready = Heard(), Heard()
    clients = [Client(origin, ready) for _ in paths]
    for client in clients:
        await client.get("/livez")
        client._heard = heard
    await asyncio.gather(*(client.get(path) for client, path in zip(clients, paths, strict=True)))
    for client in clients:
        await client.close()
    return heard


def lasting(seconds: float) -> Callable[[], bool]:
    """Whether these seconds have not passed yet."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() < end


async def steadily(
    origin: str,
    path: str,
    *,
    clients: int,
    every: float,
    goes_on: Callable[[], bool],
    conditional: bool = False,
) -> Heard:
    """Ask again and again for a while, each client after ``every`` seconds, their starts spread over that."""
    heard = Heard()

    async def one(number: int) -> None:
        client = Client(origin, heard)
        await asyncio.sleep(every * number / clients)
        due = time.monotonic()
        while goes_on():
            await client.get(path, conditional=conditional)
            due += every
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        await client.close()

    await asyncio.gather(*(one(number) for number in range(clients)))
    return heard
