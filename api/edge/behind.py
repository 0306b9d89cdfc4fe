"""The web application behind the edge: a request goes to it in a thread, a reply comes back. Knows no memory.

Granian speaks RSGI to the edge; the application speaks WSGI (PEP 3333). The edge's own thread never waits.
"""

from __future__ import annotations

import asyncio
import contextvars
import io
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from wsgiref.types import WSGIApplication

from api.answering.lasting import Lasting, said
from db.precedence import come_later

Headers = list[tuple[str, str]]
_WHOLE_BYTES = 1 << 20
"""An answer up to this size is sent in one piece; a larger one goes out as fast as the client reads."""
_READ_SECONDS = 60.0
"""A client that takes longer for one piece has gone."""
_URGENT = ("/livez", "/readyz", "/metrics")
"""They have threads of their own: whoever watches over us is answered however much is being drawn."""


@dataclass(frozen=True)
class Reply:
    """What the application answered."""

    status: int
    headers: Headers
    body: bytes
    pieces: Pieces | None = None
    """In place of a body, where it is too large for one piece."""
    lasting: Lasting | None = None


class Crowded(Exception):
    """More requests wait than are worth waiting."""


class Behind:
    """A WSGI application in a bounded number of threads."""

    def __init__(
        self, application: WSGIApplication, threads: int, waiting: int, ended: Callable[[], None]
    ) -> None:
        """``ended`` is called when no more requests come."""
        self._application, self._ended = application, ended
        self._most = threads + waiting
        self._under_way = 0
        self._threads = ThreadPoolExecutor(threads, "answer", come_later)
        self._urgent = ThreadPoolExecutor(2, "urgent")

    async def ask(self, scope: Any) -> Reply:
        """The application's reply. Raises Crowded where too many wait already."""
        urgent = scope.path in _URGENT
        if self._under_way >= self._most and not urgent:
            raise Crowded
        self._under_way += 1
        try:
            context = contextvars.copy_context()
            pool = self._urgent if urgent else self._threads
            return await asyncio.get_running_loop().run_in_executor(
                pool, context.run, self._answer, environ(scope), context
            )
        finally:
            self._under_way -= 1

    def _answer(self, given: dict[str, Any], context: contextvars.Context) -> Reply:
        started: list[tuple[str, Headers]] = []

        def start_response(
            status: str, headers: Headers, _error: object = None, /
        ) -> Callable[[bytes], object]:
            started.append((status, headers))
            return _no_write

        body = self._application(given, start_response)
        status, headers = started[-1]
        large = (
            given["REQUEST_METHOD"] != "HEAD" and status.startswith("200") and _length(headers) > _WHOLE_BYTES
        )
        content = b"" if large else _joined(body)
        pieces = Pieces(body, context, self._threads) if large else None
        return Reply(int(status[:3]), headers, content, pieces, said(given))

    def aside(self, function: Callable[[], object]) -> None:
        """Do something in a thread that nobody waits for."""
        self._urgent.submit(function)

    def close(self) -> None:
        """Let the threads go when they are done, and the application with them."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._urgent.shutdown(wait=False, cancel_futures=True)
        self._ended()


class Pieces:
    """A large body, made piece by piece; a thread is taken for the making of a piece, not for its sending."""

    def __init__(
        self, body: Iterable[bytes], context: contextvars.Context, threads: ThreadPoolExecutor
    ) -> None:
        self._body, self._next = body, iter(body)
        self._context, self._threads = context, threads

    async def send(self, transport: Any) -> None:
        """Send them all, or as many as the client takes."""
        loop = asyncio.get_running_loop()
        try:
            while piece := await loop.run_in_executor(self._threads, self._run, next, self._next, b""):
                await asyncio.wait_for(transport.send_bytes(piece), _READ_SECONDS)
        finally:
            with suppress(RuntimeError):  # of a pool that was closed meanwhile
                await loop.run_in_executor(self._threads, self._run, _close, self._body)

    def _run(self, function: Callable[..., Any], *given: Any) -> Any:
        # What the application keeps for a request belongs to the context that the request began in.
        return self._context.run(function, *given)


def environ(scope: Any) -> dict[str, Any]:
    """The request as PEP 3333 has it. No route here reads a body, so there is none."""
    host, _, port = scope.server.rpartition(":")
    found: dict[str, Any] = {
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": host.strip("[]"),
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for name, value in scope.headers.items():
        key = name.upper().replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


def _length(headers: Headers) -> int:
    return next((int(value) for name, value in headers if name == "Content-Length"), _WHOLE_BYTES + 1)


def _joined(body: Iterable[bytes]) -> bytes:
    try:
        return b"".join(body)
    finally:
        _close(body)


def _close(body: Iterable[bytes]) -> None:
    getattr(body, "close", lambda: None)()


def _no_write(_: bytes) -> None:
    raise NotImplementedError("PEP 3333 keeps write() for old programs; there are none here.")
