"""The highest data version that anybody on this node was told, for all of its processes. Knows no answer."""

from __future__ import annotations

import fcntl
import logging
import mmap
import os
import struct
import threading
from pathlib import Path

from flask import Flask, Response

_NUMBER = struct.Struct("=q")
_log = logging.getLogger("sightings.web")


class Told:
    """A number in a file that only ever rises; without the file nobody knows, and the number is endless."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._map: mmap.mmap | None = None
        self._handle = -1
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if os.fstat(self._handle).st_size < _NUMBER.size:
                os.posix_fallocate(self._handle, 0, _NUMBER.size)
            self._map = mmap.mmap(self._handle, _NUMBER.size)
        except OSError as error:
            _log.warning("No chart is shown while its next version is drawn: %s", error)

    @property
    def is_known(self) -> bool:
        """Whether there is a number that all processes share."""
        return self._map is not None

    def highest(self) -> float:
        """The highest version that was told."""
        numbers = self._map
        return float("inf") if numbers is None else float(_NUMBER.unpack_from(numbers)[0])

    def tell(self, version: int) -> None:
        """Say that a version is told now: before it is, so that nobody is told less afterwards."""
        if version <= self.highest():
            return
        with self._lock:
            if self._map is None:
                return
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            try:
                _NUMBER.pack_into(self._map, 0, max(version, int(self.highest())))
            finally:
                fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of the file; whoever looks at the number in this moment still can."""
        with self._lock:
            self._map = None
            if self._handle >= 0:
                os.close(self._handle)
                self._handle = -1


def init_app(app: Flask, told: Told) -> None:
    """Look at every response of this app for the version that it tells."""

    @app.after_request
    def _note(response: Response) -> Response:
        version = response.headers.get("X-Data-Version", "")
        if version.isdecimal():
            told.tell(int(version))
        return response
