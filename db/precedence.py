"""Whose turn it is on a core: who answers at once before who draws or ingests. Knows Linux, and no work."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
import threading
from contextlib import suppress
from pathlib import Path

_SHORT_SECONDS, _LONG_SECONDS = 0.0001, 0.020
_LATER_NICE, _BACK_NICE = 4, 5
_CALLS = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
"""The number of ``sched_setattr``, which the C library does not offer."""
_KEEP_POLICY = 0x08
_LIBRARY = ctypes.CDLL(None)


def come_first() -> None:
    """Let the threads of this process, and those that they start, have their turn as soon as they have work.

    A thread that has little to do asks for short turns, and Linux (from 6.12 on) lets it cut in on one that
    asked for longer ones, for whose end it waited before, three milliseconds. Elsewhere nothing changes.
    """
    for thread in _threads():
        _ask_for_turns(thread, _SHORT_SECONDS)


def come_later() -> None:
    """Let this thread, which has much to do, be cut in on by the others of its process.

    It still comes before an ingest, for somebody waits for what it makes. And it is not for an ingest: while
    that had its long turn, a thread that draws kept the interpreter's lock.
    """
    with suppress(Exception):  # a thread without either works all the same
        thread = threading.get_native_id()
        _be_nice(thread, _LATER_NICE)
        _ask_for_turns(thread, _LONG_SECONDS)


def step_back() -> None:
    """Give way to other processes, for good; but not so far that who waits for what this one makes suffers.

    Linux shares its cores among sessions first, and heeds how nice a process is within its session alone. So
    the session is told too, where it is this process's own: a terminal's would take its shell along. Measured
    beside a busy process of another session: half of the core without that, a quarter with it, and an eighth
    with a niceness of 10. Source: sched(7).
    """
    session = Path("/proc/self/autogroup")
    _be_nice(0, _BACK_NICE)
    if os.getsid(0) == os.getpid() and session.exists():
        with suppress(OSError):
            session.write_text(str(_BACK_NICE))


def _threads() -> list[int]:
    tasks = Path("/proc/self/task")
    return [int(task.name) for task in tasks.iterdir()] if tasks.exists() else []


def _be_nice(thread: int, least: int) -> None:
    """Not by os.nice, which adds to what was given up before. Only Linux heeds it thread by thread."""
    if thread == 0 or sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, thread, max(least, os.getpriority(os.PRIO_PROCESS, thread)))


def _ask_for_turns(thread: int, seconds: float) -> None:
    """Ask for turns of this length. Source: sched_setattr(2), and sched-eevdf.rst of the kernel."""
    call = _CALLS.get(platform.machine())
    if call is None:
        return
    with suppress(Exception):  # who is not heard works all the same
        nice, size, any_policy, real_time = os.getpriority(os.PRIO_PROCESS, thread), 48, 0, 0
        nanoseconds = int(seconds * 1e9)
        wish = struct.pack("=IIQiIQQQ", size, any_policy, _KEEP_POLICY, nice, real_time, nanoseconds, 0, 0)
        _LIBRARY.syscall(call, thread, wish, 0)
