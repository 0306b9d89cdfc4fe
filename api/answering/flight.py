"""How much is drawn at a time: one render per key, a few in all. Knows nothing of what is drawn."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class Busy(Exception):
    """More is being drawn than can be waited for."""


class Flights(Generic[T]):
    """Whoever asks first for a key does the work; the others wait for it, and share its failure."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._under_way: dict[str, Future[T]] = {}

    def fly(self, key: str, work: Callable[[], T]) -> T:
        """The result of the work for this key, done once. Raises what the work raises, or Busy."""
        with self._lock:
            flight = self._under_way.get(key)
            leads = flight is None
            if flight is None:
                flight = self._under_way[key] = Future()
        return self._lead(key, flight, work) if leads else self._wait(key, flight)

    def _lead(self, key: str, flight: Future[T], work: Callable[[], T]) -> T:
        try:
            result = work()
        except BaseException as error:
            self._land(key, flight)
            flight.set_exception(error)
            raise
        self._land(key, flight)
        flight.set_result(result)
        return result

    def _wait(self, key: str, flight: Future[T]) -> T:
        try:
            return flight.result(self._patience)
        except TimeoutError:
            self._land(key, flight)  # whoever comes next shall not wait for a leader that is stuck
            raise Busy("The same answer is being made, and it takes too long.") from None

    def _land(self, key: str, flight: Future[T]) -> None:
        with self._lock:
            if self._under_way.get(key) is flight:
                del self._under_way[key]


class Slots:
    """A bounded number of renders at a time."""

    def __init__(self, count: int, patience: float) -> None:
        self._patience = patience
        self._free = threading.BoundedSemaphore(count)

    @contextmanager
    def taken(self, busy: str = "Too many charts are being drawn at the moment.") -> Iterator[None]:
        """Hold a slot while the block runs. Raises Busy, in these words, where none comes free in time."""
        if not self._free.acquire(timeout=self._patience):
            raise Busy(busy)
        try:
            yield
        finally:
            self._free.release()
