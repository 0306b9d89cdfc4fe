"""Troubles that come with every request: each is logged once a minute, under one name. Knows no request."""

from __future__ import annotations

import logging
import threading
import time
import uuid

KEPT_SECONDS = 60.0


class Troubles:
    """What was logged of late, by what it says."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._named: dict[str, tuple[str, float]] = {}

    def name(self, log: logging.Logger, level: int, trouble: str) -> str:
        """The name under which the log has this trouble; it is written there unless it was a minute ago."""
        now = time.monotonic()
        with self._lock:
            self._named = {one: said for one, said in self._named.items() if now - said[1] < KEPT_SECONDS}
            if trouble in self._named:
                return self._named[trouble][0]
            name = str(uuid.uuid4())
            self._named[trouble] = name, now
        log.log(level, "%s (%s; told once a minute)", trouble, name)
        return name
