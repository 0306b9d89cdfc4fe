"""How many answers each client may have made anew: within one process, or over all of them. Knows no HTTP.

What is kept already is given to everybody, however often: only makings are counted.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import Any, Protocol

from api.keeping.cache import Cache, open_redis
from api.metrics import LIMIT_FAILURES
from api.speech import _

MOST_CLIENTS = 10_000
MINUTE = 60


class TooMany(Exception):
    """A client has had all that it may have for now; says in how many seconds there is more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            _("You have asked for more new answers than this site makes for one client in a minute.")
        )
        self.seconds = max(1, math.ceil(seconds))


class Allowance(Protocol):
    """What a client may have made."""

    def spend(self, client: str) -> None:
        """Take one off. Raises TooMany where nothing is left."""


class Endless:
    """Nobody is refused anything."""

    def spend(self, client: str) -> None:
        """Take nothing off."""


class Buckets:
    """For each client a bucket that holds a minute's worth, and fills up as time goes by.

    There are never more than MOST_CLIENTS; who has not come for the longest is forgotten.
    """

    def __init__(self, per_minute: float) -> None:
        self._most = max(per_minute, 1.0)
        self._lock = threading.Lock()
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What was left, and when."""

    def spend(self, client: str) -> None:
        """Take one off. Raises TooMany where nothing is left."""
        now, filling = time.monotonic(), self._most / MINUTE
        with self._lock:
            left, then = self._left.pop(client, (self._most, now))
            left = min(left + (now - then) * filling, self._most)
            self._left[client] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > MOST_CLIENTS:
                self._left.popitem(last=False)
        if left < 1:
            raise TooMany((1 - left) / filling)


class Shared:
    """For all processes and nodes, counted by the minute where the cache is.

    Where that is away nobody is refused: then all has to be made anew, which is nobody's fault. In any minute
    a client comes by no more than twice the number, at the end of one and after it.
    """

    def __init__(self, cache: Cache, client: Any, per_minute: int) -> None:
        self._cache, self._client, self._most = cache, client, per_minute

    def spend(self, client: str) -> None:
        """Take one off. Raises TooMany where nothing is left."""
        minute, over = divmod(time.time(), MINUTE)
        name = f"sightings:misses:{client}:{minute:.0f}"
        spent = self._cache.attempt(lambda: self._count(name))
        if spent is None:
            LIMIT_FAILURES.inc()
        elif spent > self._most:
            raise TooMany(MINUTE - over)

    def _count(self, name: str) -> int:
        with self._client.pipeline(transaction=False) as both:
            return int(both.incr(name).expire(name, 2 * MINUTE).execute()[0])


def allowance(per_minute: int, processes: int, cache: Cache, url: str) -> Allowance:
    """What a client may have made in a minute; 0 is any number.

    Where the cache is Redis (by its URL), all processes count there. Otherwise each has its part of the
    number, since a client comes to all of them.
    """
    if not per_minute:
        return Endless()
    if "://" in url:
        return Shared(cache, open_redis(url), per_minute)
    return Buckets(per_minute / processes)
