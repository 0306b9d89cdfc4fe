"""The body of an answer, unpacked and counted as it comes; knows no tries and no redirects."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from urllib3.response import BaseHTTPResponse

from ingest.sources.request import Clock, Limits
from ingest.sources.source import Unreadable
from ingest.sources.urls import shown

_BLOCK = 1 << 16


class Again(Exception):
    """This try failed, the next may not; the message says what happened, without the URL."""

    def __init__(self, what: str, wait: float = 0.0) -> None:
        super().__init__(what)
        self.wait = wait
        """Seconds that the server asks for."""


def body(url: str, response: BaseHTTPResponse, limits: Limits, clock: Clock) -> Iterator[bytes]:
    """The pieces of a body, unpacked, counted as they come, so that no endless or packed one floods us.

    Raises Again where it is cut or damaged, Unreadable where it is too large or packed as nobody asked.
    """
    coding = response.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity", "gzip", "x-gzip"):
        raise Unreadable(f"{shown(url)} is packed as {coding[:20]!r}, which was not asked for.")
    too_much = Unreadable(
        f"{shown(url)} is larger than {limits.max_bytes:,} bytes; fetch_max_bytes says what is allowed."
    )
    if (response.length_remaining or 0) > limits.max_bytes:
        raise too_much
    unpack = _Gunzip() if coding.endswith("gzip") else None
    sent = unpacked = 0
    while block := response.read1(_BLOCK, decode_content=False):
        clock.left(1)
        sent += len(block)
        for piece in unpack.feed(block) if unpack else (block,):
            unpacked += len(piece)
            if max(sent, unpacked) > limits.max_bytes:
                raise too_much
            yield piece
    # A connection that is cut among the headers looks like an answer without any.
    if not sent and response.length_remaining is None:
        raise Again("breaks off, or holds nothing")
    if unpack and sent and not unpack.whole:
        raise Again("breaks off in the middle")


class _Gunzip:
    """Unpacks gzip piece by piece, each of bounded size however much a byte stands for."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)

    @property
    def whole(self) -> bool:
        """Whether what came ends where a packed text ends."""
        return self._inflate.eof

    def feed(self, block: bytes) -> Iterator[bytes]:
        """What these bytes unpack to. Raises Again where they are damaged."""
        full = False
        try:
            while block or full:
                if self._inflate.eof:  # one packed text may follow another
                    block = block.lstrip(b"\0")
                    if not block:
                        return
                    self._inflate = zlib.decompressobj(wbits=31)
                piece = self._inflate.decompress(block, _BLOCK)
                yield piece
                full = len(piece) == _BLOCK  # then more may wait, even if all that came is used up
                block = self._inflate.unconsumed_tail or self._inflate.unused_data
        except zlib.error:
            raise Again("is damaged: it does not unpack") from None
