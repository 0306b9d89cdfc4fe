"""Packed bytes unpacked as they are read, and counted: gzip, bzip2 and xz; knows no formats.

A bomb is told while it goes off: by how many bytes came out of those that went in.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, Any

MOST_BYTES = 16 << 30
"""What one input may unpack to."""
_MOST_RATIO = 1_000  # real archives of records pack at 10 to 60 to one; only a test repeats one row for ever
_LASTING_RATIO = 200
_LASTING = 32 << 20
_MOST_MEMORY = 256 << 20  # xz -9 needs 65 MB
_BUFFER = 1 << 16
_UNFIT = {b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!\x1a\x07": "RAR", b"\x28\xb5\x2f\xfd": "Zstandard"}
READ = ("gzip", "bzip2", "xz")
"""The ways of packing one file that are unpacked here."""


class Damaged(OSError):
    """Packed bytes that cannot or must not be unpacked; the message tells why, without a full stop."""


def kind(head: bytes) -> str | None:
    """How bytes that begin so are packed: one of READ, another one, or None; 262 bytes are enough."""
    if head.startswith(b"\x1f\x8b\x08"):
        return "gzip"
    if head.startswith(b"\xfd7zXZ\x00"):
        return "xz"
    # Three letters could be the start of a text; the mark of the first block, or of the end, could not.
    if head.startswith(b"BZh") and head[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bzip2"
    if head[257:262] == b"ustar":
        return "tar"
    return next((name for mark, name in _UNFIT.items() if head.startswith(mark)), None)


def most(packed: int) -> int:
    """The most bytes that may come out of so many packed ones."""
    return min(MOST_BYTES, _MOST_RATIO * max(packed, 1024), max(_LASTING, _LASTING_RATIO * packed))


def unpack(file: IO[bytes], how: str) -> IO[bytes]:
    """What is in a packed file, or in several that were joined; ``tell`` says where in the packed bytes.

    Reading raises Damaged.
    """
    openers: dict[str, Callable[[IO[bytes]], IO[bytes]]] = {"gzip": _gzip, "bzip2": _bzip2, "xz": _xz}
    try:
        stream = openers[how](file)
    except (lzma.LZMAError, OSError) as error:
        file.close()
        raise Damaged(f"its {how} data is damaged ({error})") from None
    raw = Counted(stream, how, limit=lambda: most(file.tell()), owner=file)
    return _Unpacked(raw, file.tell)


def _gzip(file: IO[bytes]) -> IO[bytes]:
    return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]


def _bzip2(file: IO[bytes]) -> IO[bytes]:
    return bz2.BZ2File(file)


def _xz(file: IO[bytes]) -> IO[bytes]:
    # It may ask for gigabytes to remember what it has unpacked; the first bytes say how many.
    whole = file if isinstance(file, io.BufferedReader) else io.BufferedReader(file)  # type: ignore[type-var]
    lzma.LZMADecompressor(memlimit=_MOST_MEMORY).decompress(whole.peek(64), max_length=1)
    return lzma.LZMAFile(whole)


class Counted(io.RawIOBase):
    """An unpacking stream that gives up on too many bytes, and says what is wrong in words of ours."""

    def __init__(
        self,
        stream: IO[bytes],
        how: str,
        limit: Callable[[], int],
        owner: IO[bytes] | zipfile.ZipFile,
        exactly: int | None = None,
    ) -> None:
        self._stream, self._how, self._limit, self._owner = stream, how, limit, owner
        self._exactly = exactly
        self._count = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer as far as there is something. Raises Damaged."""
        try:
            content = self._stream.read(len(buffer))
        except EOFError:
            raise Damaged(f"its {self._how} data breaks off") from None
        except (OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise Damaged(f"its {self._how} data is damaged ({str(error).rstrip('.')})") from None
        self._count += len(content)
        if self._count > self._limit():
            raise Damaged(f"it unpacks to over {self._count:,} bytes, more than is safe to read")
        if not content and self._exactly not in (None, self._count):
            raise Damaged(f"it unpacks to {self._count:,} bytes and declares {self._exactly:,}")
        buffer[: len(content)] = content
        return len(content)

    def tell(self) -> int:
        """How many bytes came out."""
        return self._count

    def close(self) -> None:
        """Close what it was made from too."""
        if not self.closed:
            self._stream.close()
            self._owner.close()
        super().close()


class _Unpacked(io.BufferedReader):
    """Tells its position in the packed bytes: how long they are is known, how long the others are is not."""

    def __init__(self, raw: io.RawIOBase, position: Callable[[], int]) -> None:
        super().__init__(raw, _BUFFER)
        self._position = position

    def tell(self) -> int:
        return self._position()
