"""Where the processes of one server keep what they count: a numbered place each. Knows no metric.

A process holds the lock of its place as long as it lives, however it ends. The next one in the place goes on
counting where the last one stopped: so there are never more files than processes at a time, and no sum falls.
"""

from __future__ import annotations

import fcntl
import logging
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client.mmap_dict import MmapedDict

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The library's own name for the folder; the server gives it to its workers."""

KINDS = {"counter": 1 << 18, "histogram": 1 << 18, "gauge_max": 1 << 14, "gauge_sum": 1 << 14}
"""The library's files of a process, and how long each is from the start: more than what is counted needs."""

_MOST_PLACES = 4_096
_log = logging.getLogger("sightings.metrics")


@dataclass(frozen=True)
class _Place:
    folder: Path
    number: int
    process: int
    lock: int
    """The descriptor that holds it."""


_ALONE = "Metrics are of one process only, because %s cannot be written: %s"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
_mine: _Place | None = None
_alone: TemporaryDirectory[str] | None = None


def shared() -> bool:
    """Whether this process counts in a place beside others; by itself where none was given or can be had."""
    folder = os.environ.get(VARIABLE)
    if not folder:
        return False
    try:
        _take(Path(folder))
    except OSError as error:
        _log.warning(_ALONE, folder, error)
        return False
    return True


def number() -> int:
    """The place of this process; after a fork the child takes one of its own."""
    if _mine is None:
        raise RuntimeError("No place was taken.")
    if _mine.process != os.getpid():
        return _take(_mine.folder)
    return _mine.number


def settle() -> None:
    """Take a place for this process, a fork of one that has another; without one it counts alone."""
    global _alone
    try:
        number()
    except OSError as error:
        _log.warning(_ALONE, os.environ[VARIABLE], error)
        # In memory, if the system offers a folder there: the disk may be full.
        _alone = _folder_of_our_own()
        os.environ[VARIABLE] = _alone.name
        _take(Path(_alone.name), _MOST_PLACES)  # by its number a process knows that it has another place


def _folder_of_our_own() -> TemporaryDirectory[str]:
    """Removed when this process ends, also where it is a fork, which does nothing else then."""
    try:
        made = TemporaryDirectory(dir=_MEMORY)
    except OSError:
        made = TemporaryDirectory()
    Finalize(None, made.cleanup, exitpriority=0)
    return made


def clear(folder: Path) -> None:
    """Begin anew: forget what processes counted that have ended."""
    _of_nobody(folder, "*", lambda path: path.unlink(missing_ok=True))


def sweep(folder: Path) -> None:
    """Forget how things stand in processes that have ended; what they counted stays."""
    _of_nobody(folder, "gauge_*", _blank)


def _take(folder: Path, first: int = 0) -> int:
    global _mine
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(first, first + _MOST_PLACES):
        lock = os.open(folder / f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _held(lock):
            os.close(lock)
            continue
        try:
            _furnish(folder, place)
        except OSError:
            os.close(lock)
            raise
        _mine = _Place(folder, place, os.getpid(), lock)
        return place
    raise OSError("every place is taken")


def _furnish(folder: Path, place: int) -> None:
    """Files of full length. A hole in a file that is mapped would end the process where the disk is full."""
    for kind, length in KINDS.items():
        path = folder / f"{kind}_{place}.db"
        if not _is_whole(path, length):
            new = path.with_suffix(".new")
            with new.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, length)
            new.replace(path)
        elif kind.startswith("gauge"):
            _blank(path)


def _blank(path: Path) -> None:
    """Empty a file, and keep its room on the disk."""
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))


def _is_whole(path: Path, length: int) -> bool:
    """Whether it can be read to its end, as after a loss of power it may not be."""
    try:
        content = path.read_bytes()
        list(MmapedDict.read_all_values_from_file(str(path)))  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - whatever is wrong with it
        return False
    return length <= len(content) and 0 <= _used(content) <= len(content)


def _used(content: bytes) -> int:
    return int.from_bytes(content[:4], sys.byteorder, signed=True)


def _of_nobody(folder: Path, kinds: str, action: Callable[[Path], None]) -> None:
    """Do it to the files of these kinds in the places that nobody holds; they are held meanwhile."""
    for place in {path.stem.rpartition("_")[2] for path in folder.glob(f"{kinds}_*.db")}:
        with suppress(OSError):
            lock = os.open(folder / f"{place}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if _held(lock):
                    for path in folder.glob(f"{kinds}_{place}.db"):
                        action(path)
            finally:
                os.close(lock)


def _held(lock: int) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
