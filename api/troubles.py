"""Troubles that come with every request: each is logged once a minute, under one name. Knows no request."""

from __future__ import annotations

import logging
import threading
import time
import uuid

KEPT_SECONDS = 60.0


class Troubles:
    """What was logged of late, by what it says or is known by."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._named: dict[str, tuple[str, float]] = {}

    def name(self, log: logging.Logger, level: int, trouble: str, known_by: str = "") -> str:
        """The name under which the log has this trouble; it is written there unless it was a minute ago."""
        now, known_by = time.monotonic(), known_by or trouble
        with self._lock:
            self._named = {one: said for one, said in self._named.items() if now - said[1] < KEPT_SECONDS}
            if known_by in self._named:
                return self._named[known_by][0]
            name = str(uuid.uuid4())
            self._named[known_by] = name, now
        log.log(level, "%s (%s; told once a minute)", trouble, name)
        return name
