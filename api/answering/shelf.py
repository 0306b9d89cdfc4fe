"""How much the folder of kept answers holds, counted for all processes; the least recently used goes.

Knows files and their sizes, not what is in them. The count lies in a file beside them and is changed under
a lock, so that a write costs the same however many files there are; only when the folder is full, or an hour
has passed, one process looks at all of them, makes room for the next tenth, and sets the count right.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from api.answering.locks import taken, waited_for

ENTRIES = 20_000
ORPHAN_SECONDS = 3_600.0
"""A file that was begun and not finished goes after this time; as often, all is looked at in any case."""
TOUCH_SECONDS = 60.0
_BLOCK = 4_096
"""What file systems give out at a time."""
_LEFT, _SLACK = 0.9, 1.05
"""What a look leaves of the bound, and what is kept beyond it while another process looks."""
_LARGEST = 0.25
_LOCK_SECONDS, _LOOK_SECONDS = 0.25, 0.1
_COUNT, _SWEEP, _UNFINISHED = ".count", ".sweep", ".__wz_cache"
_RECORD_BYTES = 256


@dataclass(frozen=True)
class Held:
    """What a folder holds."""

    bytes: int = 0
    """On disk, in whole blocks."""
    entries: int = 0
    evictions: int = 0
    """How many answers had to go since the folder was made."""
    swept_at: float = 0.0
    """When all files were looked at, in seconds since 1970."""
    left: int = 0
    """The bytes that were there after that look."""
    period: float = TOUCH_SECONDS
    """Seconds between the last two looks, in which a tenth was replaced."""


class Shelf:
    """A folder of at most so many bytes and ENTRIES files."""

    def __init__(self, directory: Path, most_bytes: int) -> None:
        self._directory, self._most_bytes = directory, most_bytes
        self._seen, self._seen_until = Held(), 0.0

    def held(self) -> Held:
        """What it holds, by the count: never more than a few entries from the truth."""
        with suppress(OSError, ValueError):
            self._seen = _record((self._directory / _COUNT).read_bytes()[:_RECORD_BYTES])
        return self._seen

    def room(self, size: int) -> bool:
        """Whether a file of this size may be written; it counts from now on. Raises OSError."""
        size = -(-size // _BLOCK) * _BLOCK
        if size > self._most_bytes * _LARGEST:
            return False
        held = self._add(size, 1)
        if self._exceeds(held, 1.0) or abs(time.time() - held.swept_at) > ORPHAN_SECONDS:
            held = self._sweep(size) or held
        if self._exceeds(held, _SLACK):  # another process is making room, and it is not done yet
            self._add(-size, -1)
            return False
        return True

    def used(self, name: str) -> None:
        """Tell that an entry was asked for; it is written down as seldom as serves its purpose."""
        path = self._directory / hashlib.sha256(name.encode()).hexdigest()
        with suppress(OSError):
            if abs(time.time() - path.stat().st_mtime) > self._touch_after():
                os.utime(path)

    def _touch_after(self) -> float:
        """Less than a minute only where entries come and go so fast that a used one would go with them."""
        if time.monotonic() > self._seen_until:
            self.held()
            self._seen_until = time.monotonic() + _LOOK_SECONDS
        held = self._seen
        grown = (held.bytes - held.left) / (self._most_bytes * (1 - _LEFT))
        pace = abs(time.time() - held.swept_at) / grown if grown > 0 else TOUCH_SECONDS
        return min(TOUCH_SECONDS, held.period, pace)

    def _exceeds(self, held: Held, share: float) -> bool:
        return held.bytes > self._most_bytes * share or held.entries > ENTRIES * share

    def _add(self, size: int, entries: int) -> Held:
        def added(held: Held) -> Held:
            return replace(held, bytes=max(0, held.bytes + size), entries=max(0, held.entries + entries))

        return self._change(added)

    def _change(self, changed: Callable[[Held], Held]) -> Held:
        handle = waited_for(self._directory / _COUNT, _LOCK_SECONDS)
        try:
            try:
                held = _record(os.pread(handle, _RECORD_BYTES, 0))
            except ValueError:  # new, or damaged: the look at all files that follows sets it right
                held = Held()
            held = changed(held)
            os.pwrite(handle, json.dumps(asdict(held)).encode().ljust(_RECORD_BYTES), 0)
            return held
        finally:
            os.close(handle)

    def _sweep(self, coming: int) -> Held | None:
        """Look at all files and let the least recently used go; None where another process does."""
        handle = taken(self._directory / _SWEEP)
        if handle is None:
            return None
        try:
            before = self._change(lambda held: held)
            size, entries, gone = self._cut(self._most_bytes * _LEFT - coming)

            def right(held: Held) -> Held:
                # What others wrote meanwhile may count twice, until the next time.
                return Held(
                    max(0, size + coming + held.bytes - before.bytes),
                    max(0, entries + 1 + held.entries - before.entries),
                    held.evictions + gone,
                    time.time(),
                    size + coming,
                    abs(time.time() - before.swept_at) if before.swept_at else TOUCH_SECONDS,
                )

            return self._change(right)
        finally:
            os.close(handle)

    def _cut(self, most_bytes: float) -> tuple[int, int, int]:
        """Remove what is too much; the bytes and entries that stay, and how many entries went."""
        size = entries = gone = 0
        for used, length, path in sorted(_files(self._directory), reverse=True):
            unfinished = path.endswith(_UNFINISHED)
            orphan = unfinished and abs(time.time() - used) > ORPHAN_SECONDS
            if orphan or size + length > most_bytes or entries >= ENTRIES * _LEFT:
                Path(path).unlink(missing_ok=True)
                gone += not unfinished
            else:
                size, entries = size + length, entries + 1
        return size, entries, gone


def _record(written: bytes) -> Held:
    """The count that was written. Raises ValueError where it is none."""
    try:
        held = Held(**json.loads(written))
        if all(0 <= value < math.inf for value in asdict(held).values()):
            return held
    except TypeError:
        pass
    raise ValueError("This is not a count.")


def _files(directory: Path) -> list[tuple[float, int, str]]:
    """When each was used, how large it is, and where it lies. One from the future is the first to go."""
    found, now = [], time.time()
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.name in (_COUNT, _SWEEP) or not entry.is_file():
                continue
            with suppress(FileNotFoundError):
                status = entry.stat()
                used = status.st_mtime if status.st_mtime <= now + TOUCH_SECONDS else 0.0
                found.append((used, -(-status.st_size // _BLOCK) * _BLOCK, entry.path))
    return found
