"""Whose turn it is to make an answer, among the processes of a node or of all nodes. Knows no answer.

Others wait until it is made, and find it in the cache. A turn ends with its holder, and where he takes longer
than anybody would wait, others need not: twice made is better than not at all.
"""

from __future__ import annotations

import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from api.keeping.cache import REDIS_PREFIX, Cache, open_redis
from api.keeping.envelope import tag
from api.keeping.flight import Busy
from api.keeping.locks import STEP_SECONDS, taken
from api.speech import _

LEASE_SECONDS = 3.0
"""How long the nodes wait for one that died; one that lives renews it three times as often."""
_REDIS_STEP_SECONDS = 0.02
_RENEW = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('pexpire', KEYS[1], ARGV[2]) or 0"
_END = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"


class Turns(Protocol):
    """One holder for each key."""

    def taken(self, key: str) -> AbstractContextManager[None]:
        """Hold the turn for a key while the block runs; waits for whoever has it. Raises Busy."""


class NoTurns:
    """Where nothing is kept there is nothing to wait for."""

    def taken(self, key: str) -> AbstractContextManager[None]:
        """Go ahead."""
        return nullcontext()


@dataclass(frozen=True)
class FileTurns:
    """The processes of a node, by a lock for each key that is being made. Where none can be had: go ahead."""

    directory: Path
    patience: float
    """Seconds that somebody waits, and after which a holder counts as stuck."""

    @contextmanager
    def taken(self, key: str) -> Iterator[None]:
        """Hold the turn for a key while the block runs; waits for whoever has it. Raises Busy."""
        path = self.directory / f"key-{tag(key)}"
        try:
            handle = self._waited_for(path)
        except OSError:
            handle = None
        try:
            yield
        finally:
            if handle is not None:
                with suppress(OSError):
                    path.unlink()
                os.close(handle)

    def _waited_for(self, path: Path) -> int | None:
        until = time.monotonic() + self.patience
        while True:
            handle = taken(path)
            if handle is None:
                if self._stuck(path):
                    return None
                if time.monotonic() >= until:
                    raise _too_long()
                time.sleep(STEP_SECONDS)
            elif _is(path, handle):
                with suppress(OSError):  # left behind by another user: then nobody waits for us
                    os.utime(handle)
                return handle
            else:  # whoever had it removed it while we opened it
                os.close(handle)

    def _stuck(self, path: Path) -> bool:
        try:
            return time.time() - path.stat().st_mtime > self.patience
        except FileNotFoundError:
            return False


@dataclass(frozen=True)
class RedisTurns:
    """The processes of all nodes, by a lease for each key. Where Redis is lost: go ahead."""

    client: Any
    cache: Cache
    """Whose breaker says whether Redis is worth the try."""
    patience: float

    @contextmanager
    def taken(self, key: str) -> Iterator[None]:
        """Hold the turn for a key while the block runs; waits for whoever has it. Raises Busy."""
        lease, token = f"{REDIS_PREFIX}making:{tag(key)}", secrets.token_hex(8)
        if not self._waited_for(lease, token):
            yield
            return
        over = threading.Event()
        threading.Thread(target=self._renew, args=(lease, token, over), daemon=True).start()
        try:
            yield
        finally:
            over.set()
            self.cache.attempt(lambda: self.client.eval(_END, 1, lease, token))

    def _waited_for(self, lease: str, token: str) -> bool:
        until = time.monotonic() + self.patience

        def take() -> bool:
            return bool(self.client.set(lease, token, nx=True, px=int(LEASE_SECONDS * 1000)))

        while (ours := self.cache.attempt(take)) is False:
            if time.monotonic() >= until:
                raise _too_long()
            time.sleep(_REDIS_STEP_SECONDS)
        return ours is True

    def _renew(self, lease: str, token: str, over: threading.Event) -> None:
        until = time.monotonic() + self.patience

        def renew() -> Any:
            return self.client.eval(_RENEW, 1, lease, token, int(LEASE_SECONDS * 1000))

        while not over.wait(LEASE_SECONDS / 3) and time.monotonic() < until:
            self.cache.attempt(renew)


def open_turns(cache: Cache, url: str, directory: Path, patience: float) -> Turns:
    """The turns that go with a cache: who waits for an answer has to find it there."""
    if cache.is_off:
        return NoTurns()
    return FileTurns(directory, patience) if url == "files" else RedisTurns(open_redis(url), cache, patience)


def _is(path: Path, handle: int) -> bool:
    """Whether this open file is still the one at this path."""
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _too_long() -> Busy:
    return Busy(_("The same answer is being made, and it takes too long."))
