"""When to leave alone what fails: it rests, then one caller tries. Knows not what it is that fails."""

from __future__ import annotations

import threading
import time

FAILURES = 3
PAUSE_SECONDS, REST_SECONDS = 1.0, 30.0
"""After one failure, and after FAILURES in a row: what is frozen costs a request its time limit only once."""


class Breaker:
    """Closed as long as all is well; after a failure nobody goes there for a while, and then one alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_a_row, self._rests_until = 0, 0.0
        self._tried = False

    @property
    def state(self) -> str:
        """``closed`` where all is well, ``open`` while it is left alone, ``half-open`` when one may try."""
        with self._lock:
            if self._in_a_row == 0:
                return "closed"
            return "open" if time.monotonic() < self._rests_until else "half-open"

    def allows(self) -> bool:
        """Whether to go there now; whoever is told so says afterwards how it went."""
        with self._lock:
            if self._in_a_row == 0:
                return True
            if self._tried or time.monotonic() < self._rests_until:
                return False
            self._tried = True
            return True

    def went_well(self) -> None:
        """It works."""
        with self._lock:
            self._in_a_row, self._tried = 0, False

    def went_wrong(self) -> None:
        """It does not."""
        with self._lock:
            self._in_a_row, self._tried = self._in_a_row + 1, False
            rest = REST_SECONDS if self._in_a_row >= FAILURES else PAUSE_SECONDS
            self._rests_until = time.monotonic() + rest
