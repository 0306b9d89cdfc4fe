"""What is answered from memory is in use: the shared cache is told, seldom, so that it stays there too.

Knows tags and no answer. Whoever answers from memory must not wait, so it is told by a thread.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from api.answering.cache import Cache

EVERY_SECONDS = 10.0
_MOST = 10_000


class InUse:
    """For one process: which answers were told of, and when."""

    def __init__(self, cache: Cache) -> None:
        self._cache, self._told = cache, dict[str, float]()
        self._thread = ThreadPoolExecutor(1, "in-use")

    def tell(self, tags: Iterable[str]) -> None:
        """Answers of these tags (those of envelope, without a coding) were given; returns at once."""
        now = time.monotonic()
        due = [tag for tag in tags if now - self._told.get(tag, -EVERY_SECONDS) >= EVERY_SECONDS]
        if due:
            if len(self._told) > _MOST:
                self._told.clear()
            self._told.update(dict.fromkeys(due, now))
            self._thread.submit(self._pass_on, due)

    def _pass_on(self, tags: list[str]) -> None:
        for tag in tags:
            self._cache.used(tag)
