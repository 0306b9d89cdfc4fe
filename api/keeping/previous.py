"""A chart's previous version, for the moment that the next one is being drawn. Knows no HTTP and no report.

It is only for clients that cannot have seen anything newer: as long as nobody on this node has been told of a
version above its own. With Redis there are other nodes, of which nobody here knows what they told.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace

from api.keeping.told import Told

MOST = 2_000
"""Charts of which the last answer is known, in this process."""
LONGEST_SECONDS = 10.0
"""A drawing that takes longer has failed, and whoever asks next is to hear of it."""


@dataclass(frozen=True)
class Given:
    """An answer that was given."""

    key: str
    version: int
    overtaken_at: float | None = None
    """When another one was asked for first; seconds of the clock that only goes forward."""


class Previous:
    """The last answer to each question, by what the question is without its version."""

    def __init__(self, told: Told | None) -> None:
        """Without what was told, nothing is ever given in place of anything."""
        self._told = told
        self._lock = threading.Lock()
        self._given: OrderedDict[str, Given] = OrderedDict()

    def note(self, question: str, key: str, version: int) -> None:
        """Remember that this was the answer."""
        if self._told is None:
            return
        with self._lock:
            self._given[question] = Given(key, version)
            self._given.move_to_end(question)
            if len(self._given) > MOST:
                self._given.popitem(last=False)

    def instead(self, question: str, key: str, newest: int) -> Given | None:
        """What may be given in place of the answer of this key while that is being made; None for nothing."""
        if self._told is None:
            return None
        with self._lock:
            given = self._given.get(question)
            if given is None or given.key == key or not self._told.highest() <= given.version < newest:
                return None
            if given.overtaken_at is None:
                given = self._given[question] = replace(given, overtaken_at=time.monotonic())
        return given if time.monotonic() - (given.overtaken_at or 0.0) < LONGEST_SECONDS else None
