"""Parts of a file read as if they were all of it; knows no sources."""

from __future__ import annotations

import io
from typing import IO, Any


class Stretches(io.RawIOBase):
    """Stretches of a file, each from one byte up to another, read one after the other as if that were all."""

    def __init__(self, file: IO[bytes], *stretches: tuple[int, int]) -> None:
        self._file, self._stretches = file, stretches
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill the buffer, or less of it where a stretch ends."""
        left = self._position
        for start, end in self._stretches:
            if left < end - start:
                self._file.seek(start + left)
                count: int = self._file.readinto(memoryview(buffer)[: end - start - left])  # type: ignore[attr-defined]
                self._position += count
                return count
            left -= end - start
        return 0

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a byte, counted as if the stretches were all."""
        size = sum(end - start for start, end in self._stretches)
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        """The byte that is read next."""
        return self._position

    def close(self) -> None:
        """Close the file too."""
        self._file.close()
        super().close()
