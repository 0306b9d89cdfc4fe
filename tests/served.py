"""A server on loopback that answers as a test tells it, however badly: what tests of downloads stand on."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from email.utils import formatdate

from ingest.sources.request import Limits

Answer = bytes | Iterator[bytes]


class Served:
    """What it was asked, in order, and how often somebody connected at all."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.accepted = 0
        self.requests: list[str] = []

    def url(self, path: str = "/records.csv", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    def header(self, name: str, request: int = -1) -> str | None:
        """A header of a request."""
        lines = [line.partition(": ") for line in self.requests[request].split("\r\n")[1:]]
        return next((value for key, _, value in lines if key.lower() == name.lower()), None)

    def limits(self, **more: object) -> Limits:
        """Fast, and allowed to come here."""
        given = {"allow_hosts": ("127.0.0.1",), "deadline": 5.0, "backoff": 0.01, "pause": 0.0, **more}
        return Limits(**given)  # type: ignore[arg-type]


@contextmanager
def served(answer: Callable[[str], Answer], context: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Answers each connection, a thread for each, with the bytes that ``answer`` makes of the request."""
    threads: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = Served(listener.getsockname()[1])

        def listen() -> None:
            with suppress(OSError):  # of a listener that is closed
                while True:
                    connection, _ = listener.accept()
                    here.accepted += 1
                    threads.append(threading.Thread(target=_serve, args=[here, connection, context, answer]))
                    threads[-1].start()

        threads.append(threading.Thread(target=listen))
        threads[0].start()
        try:
            yield here
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(5)


def _serve(
    here: Served,
    connection: socket.socket,
    context: ssl.SSLContext | None,
    answer: Callable[[str], Answer],
) -> None:
    # Whoever asks may have had enough before we are done.
    with closing(connection), suppress(OSError):
        talk = context.wrap_socket(connection, server_side=True) if context else connection
        with closing(talk):
            request = b""
            while b"\r\n\r\n" not in request:
                block = talk.recv(65_536)
                if not block:
                    return
                request += block
            here.requests.append(request.decode("latin-1"))
            told = answer(here.requests[-1])
            for piece in (told,) if isinstance(told, bytes) else told:
                talk.sendall(piece)


def reply(
    body: bytes | str = b"", status: str = "200 OK", length: int | None = None, **headers: str
) -> bytes:
    """A whole answer; underscores in the names of headers are dashes."""
    content = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if "Date" not in headers:
        lines.append(f"Date: {formatdate(usegmt=True)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + content


def turns(*answers: Answer) -> Callable[[str], Answer]:
    """One answer after the other, the last one for ever."""
    left = list(answers)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def drip(head: bytes, piece: bytes = b"x", every: float = 0.02) -> Iterator[bytes]:
    """A head, and then a little at a time without an end."""
    yield head
    while True:
        time.sleep(every)
        yield piece
