"""Finished answers, kept by Flask-Caching in files or Redis; whatever goes wrong there is a miss.

Knows bytes and keys only. Nothing is ever unpickled: who can write there wastes our time, but runs no code.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, Any, TypeVar

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache as FlaskCaching
from flask_caching.backends import FileSystemCache

from api.keeping.breaker import Breaker
from api.keeping.envelope import Answer, seal, tag, unseal
from api.keeping.shelf import Held, Shelf
from api.metrics import CACHE_FAILURES, CACHE_RESTING

T = TypeVar("T")

REDIS_SECONDS, REDIS_PREFIX = 0.25, "sightings:"
REDIS_KEEPS_SECONDS = 7 * 86_400
_STAMP_BYTES = 4
"""What cachelib puts in front of an entry: until when it holds."""
_log = logging.getLogger("sightings.cache")


class Plain(BaseSerializer):
    """Bytes in, the same bytes out."""

    def dump(self, value: Any, f: IO[bytes], protocol: int = 0) -> None:
        """Write bytes to a file."""
        f.write(value)

    def load(self, f: Any) -> bytes:
        """Read bytes from a file."""
        return bytes(f.read())

    def dumps(self, value: Any, protocol: int = 0) -> bytes:
        """Bytes for Redis."""
        return bytes(value)

    def loads(self, bvalue: bytes) -> Any:
        """Bytes from Redis; None where it has none."""
        return bvalue


class Files(FileSystemCache):
    """Flask-Caching's files, which fail at once."""

    def _run_safely(self, fn: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Try once: cachelib tries for 16 s to open a file that another user has written."""
        return fn(*args, **kwargs)


class Cache:
    """A place for answers; where it fails again and again it is left alone for a while."""

    def __init__(
        self,
        backend: Any,
        shelf: Shelf | None = None,
        refusals: tuple[type[Exception], ...] = (),
        count: Callable[[], Held] | None = None,
    ) -> None:
        self._backend, self._shelf, self._refusals = backend, shelf, refusals
        self._count = count
        self._lock, self._last_told = threading.Lock(), -60.0
        self.breaker = Breaker()
        self.failures = 0
        """How often, in this process, the backend failed or gave something damaged."""

    @property
    def is_off(self) -> bool:
        """Whether nothing is ever kept here."""
        return self._backend is None

    def get(self, key: str) -> Answer | None:
        """The answer kept for this key, if it is there and whole."""
        name = tag(key)
        sealed = self.attempt(lambda: self._backend.get(name))
        if sealed is None:
            return None
        try:
            answer = unseal(key, sealed)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            answer = None
        if answer is None:
            self._failed("an entry was damaged")
        elif self._shelf is not None:
            self._shelf.used(name)
        return answer

    def used(self, tags: Iterable[str]) -> None:
        """Tell that the answers with these tags were given, by who has them too."""
        if self._shelf is not None:
            for one in tags:
                self._shelf.used(one)

    def put(self, answer: Answer) -> None:
        """Keep an answer, if that can be done."""
        sealed = seal(answer)
        if self._backend is None or not self._has_room(_STAMP_BYTES + len(sealed)):
            return
        if self.attempt(lambda: bool(self._backend.set(answer.tag, sealed))) is False:
            self._failed("an entry could not be written")

    def attempt(self, action: Callable[[], T]) -> T | None:
        """What an action on the backend gives; None where it fails, or is not worth the try at the moment."""
        if self._backend is None or not self.breaker.allows():
            return None
        try:
            result = action()
        except self._refusals as error:  # it lives, and says no
            self.breaker.went_well()
            self._failed(f"{type(error).__name__}: {error}")
            return None
        except BaseException as error:
            self.breaker.went_wrong()
            CACHE_RESTING.set(1)
            self._failed(f"{type(error).__name__}: {error}")
            if not isinstance(error, Exception):
                raise
            return None
        self.breaker.went_well()
        CACHE_RESTING.set(0)
        return result

    def held(self) -> Held:
        """How much it holds, for all processes: of the files, or of all that is in that Redis."""
        if self._shelf is not None:
            return self._shelf.held()
        return (self.attempt(self._count) if self._count is not None else None) or Held()

    def _has_room(self, size: int) -> bool:
        try:
            return self._shelf is None or self._shelf.room(size)
        except OSError as error:  # what cannot be counted is not written; what is there can still be read
            self._failed(f"{type(error).__name__}: {error}")
            return False

    def _failed(self, why: str) -> None:
        with self._lock:
            self.failures += 1
            CACHE_FAILURES.inc()
            due = time.monotonic() - self._last_told >= 60
            if due:
                self._last_told = time.monotonic()
        if due:
            _log.warning("The cache failed (%d times so far), the data answers: %s", self.failures, why)


def open_cache(app: Flask, url: str, directory: Path, most_bytes: int) -> Cache:
    """The cache that a setting names: ``files``, ``off`` or a Redis URL. One that cannot be opened is off."""
    if url == "off":
        return Cache(None)
    return _in_files(app, directory, most_bytes) if url == "files" else _in_redis(app, url)


def _in_files(app: Flask, directory: Path, most_bytes: int) -> Cache:
    # No threshold: it is kept by a counter that drifts between processes; here bytes are what is bounded.
    config = {"CACHE_TYPE": f"{__name__}.Files", "CACHE_DIR": str(directory), "CACHE_THRESHOLD": 0}
    config |= {"CACHE_DEFAULT_TIMEOUT": 0, "CACHE_SERIALIZER": Plain()}
    config |= {"CACHE_FILE_HASH_METHOD": hashlib.sha256}
    _hush_cachelib()
    try:
        backend = FlaskCaching(app, config=config).cache
    except OSError as error:
        _log.warning("The cache cannot be opened, so there is none: %s", error)
        return Cache(None)
    return Cache(backend, Shelf(directory, most_bytes))


def _in_redis(app: Flask, url: str) -> Cache:
    """How much it may hold is for Redis to say: ``maxmemory`` with ``allkeys-lru``."""
    from redis import ResponseError  # here, because most sites have no Redis

    client = open_redis(url)
    config = {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_HOST": client, "CACHE_SERIALIZER": Plain()}
    config |= {"CACHE_DEFAULT_TIMEOUT": REDIS_KEEPS_SECONDS, "CACHE_KEY_PREFIX": REDIS_PREFIX}

    def count() -> Held:
        memory, events = client.info("memory"), client.info("stats")
        return Held(int(memory["used_memory"]), int(client.dbsize()), int(events["evicted_keys"]))

    return Cache(FlaskCaching(app, config=config).cache, None, (ResponseError,), count)


def open_redis(url: str) -> Any:
    """A client that waits for nothing, and tries once more only where a connection was dropped meanwhile."""
    from redis import ConnectionError as Dropped
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    retry = Retry(NoBackoff(), 1, supported_errors=(Dropped,))
    return Redis.from_url(
        url, socket_timeout=REDIS_SECONDS, socket_connect_timeout=REDIS_SECONDS, retry=retry
    )


def _hush_cachelib() -> None:
    """It logs a traceback for each file it cannot write; here that is counted and told once a minute."""
    root = logging.getLogger()
    if not any(isinstance(known, _Hush) for known in root.filters):
        root.addFilter(_Hush())


class _Hush(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "/cachelib/" not in record.pathname
