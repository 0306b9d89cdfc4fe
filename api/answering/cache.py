"""Finished answers, kept by Flask-Caching in files or Redis; whatever goes wrong there is a miss.

Knows bytes and keys only. Nothing is ever unpickled: who can write there wastes our time, but runs no code.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from cachelib.serializers import BaseSerializer
from flask import Flask
from flask_caching import Cache as FlaskCaching

from api.answering.envelope import Answer, seal, unseal

ENTRIES = 20_000
REDIS_SECONDS = 0.25
REDIS_KEEPS_SECONDS = 7 * 86_400
FAILURES, REST_SECONDS = 3, 30
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


class Cache:
    """A place for answers. After FAILURES exceptions in a row it is left alone for REST_SECONDS."""

    def __init__(self, backend: Any, directory: Path | None = None, most_bytes: int = 0) -> None:
        self._backend, self._directory, self._most_bytes = backend, directory, most_bytes
        self._lock = threading.Lock()
        self._in_a_row, self._rests_until, self._last_told = 0, 0.0, -60.0
        self._written = most_bytes  # the first write looks at what earlier processes left
        self.failures = 0
        """How often the backend failed or gave something damaged."""

    def get(self, key: str) -> Answer | None:
        """The answer kept for this key, if it is there and whole."""
        sealed = self._try(lambda: self._backend.get(_name(key)))
        if sealed is None:
            return None
        try:
            answer = unseal(key, sealed)
        except (ValueError, KeyError, TypeError, AttributeError):
            answer = None
        if answer is None:
            self._failed("an entry was damaged")
        return answer

    def put(self, answer: Answer) -> None:
        """Keep an answer, if that can be done."""
        sealed = seal(answer)
        done = self._try(lambda: bool(self._backend.set(_name(answer.key), sealed)))
        if done is False:
            self._failed("an entry could not be written")
        if self._directory is not None:
            self._try(lambda: self._keep_bounds(self._directory, len(sealed)))  # type: ignore[arg-type]

    def _try(self, action: Callable[[], Any]) -> Any:
        if self._backend is None or time.monotonic() < self._rests_until:
            return None
        try:
            result = action()
        except Exception as error:  # noqa: BLE001 broken, full, frozen: the data answers
            self._failed(f"{type(error).__name__}: {error}")
            with self._lock:
                self._in_a_row += 1
                if self._in_a_row >= FAILURES:
                    self._in_a_row, self._rests_until = 0, time.monotonic() + REST_SECONDS
            return None
        self._in_a_row = 0
        return result

    def _failed(self, why: str) -> None:
        with self._lock:
            self.failures += 1
            due = time.monotonic() - self._last_told >= 60
            if due:
                self._last_told = time.monotonic()
        if due:
            _log.warning("The cache failed (%d times so far), the data answers: %s", self.failures, why)

    def _keep_bounds(self, directory: Path, added: int) -> None:
        """Drop the oldest files where they are too many or too large; looks only after enough was written."""
        with self._lock:
            self._written += added
            if self._written < self._most_bytes // 50:
                return
            self._written = 0
        directory.mkdir(parents=True, exist_ok=True)
        files = sorted(_files(directory), reverse=True)
        size = 0
        for number, (changed, length, path) in enumerate(files):
            size += length
            orphan = path.endswith(".__wz_cache") and time.time() - changed > 3600
            if orphan or size > self._most_bytes * 0.9 or number >= ENTRIES:
                Path(path).unlink(missing_ok=True)


def _files(directory: Path) -> list[tuple[float, int, str]]:
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            found.append((status.st_mtime, status.st_size, entry.path))
    return found


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def open_cache(app: Flask, url: str, directory: Path, most_bytes: int) -> Cache:
    """The cache that a setting names: ``files``, ``off`` or a Redis URL. One that cannot be opened is off."""
    if url == "off":
        return Cache(None)
    if url == "files":
        # No threshold: it is kept by a counter that drifts between processes; here bytes are what is bounded.
        config = {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(directory), "CACHE_THRESHOLD": 0}
        config |= {"CACHE_DEFAULT_TIMEOUT": 0}
        _hush_cachelib()
    else:
        from redis.backoff import NoBackoff  # here, because most sites have no Redis
        from redis.retry import Retry

        patience = {"socket_timeout": REDIS_SECONDS, "socket_connect_timeout": REDIS_SECONDS}
        options = {**patience, "retry": Retry(NoBackoff(), 0)}
        config = {"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": url, "CACHE_OPTIONS": options}
        config |= {"CACHE_DEFAULT_TIMEOUT": REDIS_KEEPS_SECONDS, "CACHE_KEY_PREFIX": "sightings:"}
    try:
        backend = FlaskCaching(app, config={**config, "CACHE_SERIALIZER": Plain()}).cache
    except OSError as error:
        _log.warning("The cache cannot be opened, so there is none: %s", error)
        return Cache(None)
    return Cache(backend, directory if url == "files" else None, most_bytes)


def _hush_cachelib() -> None:
    """It logs a traceback for each file it cannot write; here that is counted and told once a minute."""
    root = logging.getLogger()
    if not any(isinstance(known, _Hush) for known in root.filters):
        root.addFilter(_Hush())


class _Hush(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return "/cachelib/" not in record.pathname
