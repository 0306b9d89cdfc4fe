"""Being told to stop: a signal ends what can be ended at once, and never in the middle of a commit.

The first SIGTERM or SIGINT raises Stopped inside a ``may_stop`` block and is remembered outside of one; a
second one ends the process as if nobody listened.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(KeyboardInterrupt):
    """The process was told to stop; the message says by what. Nobody is to take it for a failure.

    Of this kind, because psycopg cancels the statement that is under way for a KeyboardInterrupt only.
    """


class _State:
    """What the handler and the rest of this process tell each other."""

    asked: signal.Signals | None = None
    stoppable: int = 0


def asked() -> bool:
    """Whether this process was told to stop."""
    return _State.asked is not None


def asked_by() -> str:
    """The name of the signal that told it to; empty where none did."""
    return _State.asked.name if _State.asked is not None else ""


def breaks_off() -> bool:
    """Whether a statement that is under way is to be broken off."""
    return _State.asked is not None and _State.stoppable > 0


def exit_code() -> int:
    """What a process that was told to stop ends with: 143 for SIGTERM, 130 for SIGINT."""
    return 128 + int(_State.asked or 0)


def check() -> None:
    """Raises Stopped if this process was told to stop."""
    if _State.asked is not None:
        raise Stopped(f"stopped by {_State.asked.name}")


@contextmanager
def listening() -> Iterator[None]:
    """Take signals as a wish to stop while the block runs; in the main thread, where signals come."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _hear) for number in _SIGNALS}
    _State.asked = None
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _State.asked = None


@contextmanager
def may_stop() -> Iterator[None]:
    """A block that may be broken off anywhere. Raises Stopped."""
    _State.stoppable += 1
    try:
        check()
        yield
    finally:
        _State.stoppable -= 1


def _hear(number: int, _frame: FrameType | None) -> None:
    _State.asked = signal.Signals(number)
    for known in _SIGNALS:
        signal.signal(known, signal.SIG_DFL)
    if _State.stoppable:
        check()
