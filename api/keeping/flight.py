"""How much is drawn at a time: one render per key, a few in all. Knows nothing of what is drawn."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

from api.keeping.locks import STEP_SECONDS, Places
from api.metrics import BUSY
from api.speech import _

T = TypeVar("T")

QUEUE = 12
"""How many wait for each slot, a second or less with charts as they are; who comes then may come again. A few
browsers that open a page at the same moment find room."""


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

    def under_way(self, key: str) -> bool:
        """Whether somebody in this process does the work for this key."""
        with self._lock:
            return key in self._under_way

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
            raise Busy(_("The same answer is being made, and it takes too long.")) from None

    def _land(self, key: str, flight: Future[T]) -> None:
        with self._lock:
            if self._under_way.get(key) is flight:
                del self._under_way[key]


class Slots:
    """A bounded number of renders at a time: in this process, or in all that share a folder for it.

    Who finds none free waits, but not in an endless queue: there are QUEUE places to wait for each slot.
    """

    def __init__(self, count: int, patience: float, directory: Path | None = None) -> None:
        self._patience = patience
        self._here = threading.BoundedSemaphore(count)
        self._shared = None if directory is None else Places(directory, "slot", count)
        self._queue = None if directory is None else Places(directory, "queue", count * QUEUE)
        self._lock = threading.Lock()
        self.refused = 0
        """How many, in this process, were told to come again."""

    @contextmanager
    def taken(self, busy: str = "", waited: float = 0.0) -> Iterator[None]:
        """Hold a slot while the block runs. Raises Busy, in these words, where none comes free in time.

        ``waited`` are the seconds of the asker's patience that are spent already.
        """
        place = self._take(max(0.0, self._patience - waited))
        if place is None:
            with self._lock:
                self.refused += 1
            BUSY.inc()
            raise Busy(busy or _("Too many charts are being drawn at the moment."))
        try:
            yield
        finally:
            _leave(place)
            self._here.release()

    def _take(self, patience: float) -> int | None:
        """A place, at once or after waiting in the queue; None where that is full, or patience ends."""
        until = time.monotonic() + patience
        if self._here.acquire(blocking=False):
            place = _free(self._shared)
            if place is not None:
                return place
            self._here.release()
        ticket = _free(self._queue)
        if ticket is None:
            return None
        try:
            return self._wait(until)
        finally:
            _leave(ticket)

    def _wait(self, until: float) -> int | None:
        """Wait for those of this process, in line; who comes first of them looks whether others are done."""
        if not self._here.acquire(timeout=max(0.0, until - time.monotonic())):
            return None
        while (place := _free(self._shared)) is None and time.monotonic() < until:
            time.sleep(STEP_SECONDS)
        if place is None:
            self._here.release()
        return place


_ALONE = -1


def _free(places: Places | None) -> int | None:
    """A free place of all processes, None where there is none; without the folder each counts for itself."""
    try:
        return places.free() if places else _ALONE
    except OSError:
        return _ALONE


def _leave(place: int) -> None:
    if place != _ALONE:
        os.close(place)
