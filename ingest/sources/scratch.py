"""Folders for what has to lie in a file while it is read; one that a killed ingest left, the next removes."""

from __future__ import annotations

import fcntl
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_PREFIX = "sightings-"
_LOCK = ".in-use"
_YOUNG_SECONDS = 60
"""A folder is made before its lock is: one so young may have an owner that is about to take it."""


@contextmanager
def folder() -> Iterator[Path]:
    """A folder of this process alone in the system's place for temporary files, gone with the block."""
    _sweep()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as name, (Path(name) / _LOCK).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield Path(name)


def _sweep() -> None:
    """Remove the folders whose owner is gone: the system gave its lock back, however it died."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_LOCK}"):
        try:
            if lock.parent.is_symlink() or time.time() - lock.parent.stat().st_ctime < _YOUNG_SECONDS:
                continue
            with lock.open("rb+") as held:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:
            continue  # in use, not ours, or gone by now
