"""A finished answer in all its codings, and the bytes it is kept as. Knows no cache and no request."""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from dataclasses import dataclass

import brotli

_MAGIC = b"sightings answer 1\n"
_HEAD = struct.Struct(">32sI")
CODINGS = ("br", "gzip")


@dataclass(frozen=True)
class Answer:
    """The bytes of one answer, by content coding; a form that is compressed already has only ``identity``."""

    key: str
    bodies: dict[str, bytes]

    @property
    def tag(self) -> str:
        """The validator of the uncompressed bytes."""
        return tag(self.key)


def tag(key: str) -> str:
    """What stands in an ETag for a key."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def codings(form: str) -> tuple[str, ...]:
    """The codings that a form is offered in, best first: known before there is a single byte of it."""
    return () if form == "png" else CODINGS


def enclose(key: str, form: str, content: bytes) -> Answer:
    """Compress once, for everybody."""
    bodies = {"identity": content}
    if codings(form):
        bodies["gzip"] = gzip.compress(content, 6, mtime=0)
        bodies["br"] = brotli.compress(content, quality=5)
    return Answer(key, bodies)


def seal(answer: Answer) -> bytes:
    """An answer as bytes that tell when they are damaged; nothing in them is ever run."""
    names = list(answer.bodies)
    lengths = [len(answer.bodies[name]) for name in names]
    header = json.dumps({"key": answer.key, "codings": names, "lengths": lengths}).encode()
    rest = header + b"".join(answer.bodies.values())
    return _MAGIC + _HEAD.pack(hashlib.sha256(rest).digest(), len(header)) + rest


def unseal(key: str, sealed: bytes) -> Answer | None:
    """The answer for this key; None for anything that is not exactly what ``seal`` wrote for it."""
    start = len(_MAGIC) + _HEAD.size
    if not sealed.startswith(_MAGIC) or len(sealed) < start:
        return None
    checksum, length = _HEAD.unpack_from(sealed, len(_MAGIC))
    if hashlib.sha256(memoryview(sealed)[start:]).digest() != checksum:
        return None
    header = json.loads(sealed[start : start + length])
    if header["key"] != key:
        return None
    bodies, position = {}, start + length
    for name, size in zip(header["codings"], header["lengths"], strict=True):
        bodies[name] = sealed[position : position + size]
        position += size
    return Answer(key, bodies) if "identity" in bodies and position == len(sealed) else None
