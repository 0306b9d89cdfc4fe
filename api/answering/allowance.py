"""How many answers each client may have made anew: within one process, or over all of them. Knows no HTTP.

What is kept already is given to everybody, however often: only makings are counted.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import OrderedDict
from typing import Any, Protocol

from api.metrics import LIMIT_FAILURES

MOST_CLIENTS = 10_000
MINUTE = 60
REDIS_SECONDS = 0.25
REST_SECONDS = 30
_log = logging.getLogger("sightings.web")


class TooMany(Exception):
    """A client has had all that it may have for now; says in how many seconds there is more."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "You have asked for more new answers than this site makes for one client in a minute."
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
    """For all processes and nodes, counted in Redis by the minute. Where that is away, nobody is refused.

    Nobody comes by more than twice the number in any minute, half of it at the end of one and half after it.
    """

    def __init__(self, client: Any, per_minute: int) -> None:
        self._redis, self._most = client, per_minute
        self._rests_until = 0.0

    def spend(self, client: str) -> None:
        """Take one off. Raises TooMany where nothing is left."""
        minute, over = divmod(time.time(), MINUTE)
        spent = self._count(f"sightings:misses:{client}:{minute:.0f}")
        if spent > self._most:
            raise TooMany(MINUTE - over)

    def _count(self, name: str) -> int:
        """How many were taken with this one; 0 where nobody knows."""
        if time.monotonic() >= self._rests_until:
            try:
                with self._redis.pipeline(transaction=False) as both:
                    return int(both.incr(name).expire(name, 2 * MINUTE).execute()[0])
            except Exception as error:  # noqa: BLE001 - down, frozen, full, of another kind: it fails open
                self._rests_until = time.monotonic() + REST_SECONDS
                _log.warning("No client is refused for %d s, Redis is away: %s", REST_SECONDS, error)
        LIMIT_FAILURES.inc()
        return 0


def allowance(per_minute: int, processes: int, cache: str) -> Allowance:
    """What a client may have made in a minute: counted where the cache is, if that is Redis; 0 is any number.

    Otherwise each process has its part of it, since a client comes to all of them.
    """
    if not per_minute:
        return Endless()
    if "://" not in cache:
        return Buckets(per_minute / processes)
    from redis import Redis  # here, because most sites have no Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
    return Shared(Redis.from_url(cache, retry=Retry(NoBackoff(), 0), **patience), per_minute)
