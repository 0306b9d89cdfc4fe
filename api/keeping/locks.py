"""Locks between the processes of a node: files that the kernel frees when their holder dies, however it dies.

Knows nothing of what is done under them.
"""

from __future__ import annotations

import fcntl
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path

STEP_SECONDS = 0.005
"""Between two looks at a lock that somebody has: few wait at a time, and a look costs microseconds."""


def taken(path: Path) -> int | None:
    """The open file that holds this lock until it is closed; None where somebody has it. Raises OSError."""
    handle = _opened(path)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError:
        os.close(handle)
        raise
    return handle


def waited_for(path: Path, seconds: float) -> int:
    """The same, for what is held only for a moment. Raises TimeoutError after so many, and OSError."""
    until = time.monotonic() + seconds
    while (handle := taken(path)) is None:
        if time.monotonic() >= until:
            raise TimeoutError(f"{path.name} is held by another process.")
        time.sleep(0.001)
    return handle


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except PermissionError:  # made by another user; what may be read may be locked
        return os.open(path, os.O_RDONLY)


@dataclass(frozen=True)
class Places:
    """A number of places that are taken one by one, by all processes that share the folder."""

    directory: Path
    name: str
    count: int

    def free(self) -> int | None:
        """A free place, ours until the handle is closed; None where there is none. Raises OSError."""
        first = random.randrange(self.count)  # noqa: S311 - so that not all try the same one
        for number in range(self.count):
            handle = taken(self.directory / f"{self.name}-{(first + number) % self.count}")
            if handle is not None:
                return handle
        return None
