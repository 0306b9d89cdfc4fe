"""The head of SQLite's wal-index, which changes with every commit, read in the memory where it lies.

SQLite maps the same file (``-shm``) and compares the same bytes before each of its transactions
(https://sqlite.org/walformat.html, 2.2). Knows no tables and no connection.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable
from pathlib import Path

_HEAD_BYTES = 48
"""One copy of the head: the counter of changes, the last frame, its checksum and those of the head."""

_mapped: dict[tuple[int, int], mmap.mmap] = {}
"""By device and inode, for as long as this process lives. When a process closes any descriptor of a file, the
system takes away all locks that it has on it (POSIX, fcntl): here those of SQLite, which has it open too."""


def head_of(path: Path) -> Callable[[], bytes] | None:
    """What tells the head as it is now, for somebody who has the database open and has read in it.

    None where there is no such index, as of a database that keeps no log or that nobody may write.
    """
    index = f"{path}-shm"
    try:
        found = os.stat(index)  # noqa: PTH116 - os.open has no other name either
        if found.st_size < _HEAD_BYTES:
            return None
        file = (found.st_dev, found.st_ino)
        if file not in _mapped:
            number = os.open(index, os.O_RDONLY | os.O_CLOEXEC)
            _mapped[file] = mmap.mmap(number, _HEAD_BYTES, prot=mmap.PROT_READ)
    except (OSError, ValueError):
        return None
    mapped, whole = _mapped[file], slice(0, _HEAD_BYTES)
    return lambda: mapped[whole]
