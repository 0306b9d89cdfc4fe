"""A program that becomes another one, and ends with whoever started it; for Linux, imports nothing of ours.

    python -P tied.py PARENT ask COMMAND ...         is asked to end (SIGTERM) when the process PARENT ends
    python -P tied.py PARENT kill NEEDED MODULE ...  is killed then, with every process that it has forked

A fork is not tied by what ties its parent. Until it has handlers of signals of its own it has its parent's,
which do nothing there: here it ends by SIGTERM from its first moment, and nobody has to wait and kill it.
What comes before that moment waits for it. NEEDED, a module that all forks need, is loaded once, before them.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import multiprocessing
import os
import runpy
import signal
import sys

_PR_SET_PDEATHSIG = 1
_TO_END = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Ties:
    """The tie between this process, or a fork of it, and its parent."""

    def __init__(self, parent: int) -> None:
        self.parent = parent

    def tie(self, number: int) -> None:
        """Have the system send us a signal when the parent ends; if it has already, end."""
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != self.parent:
            os._exit(1)

    def before_fork(self) -> None:
        self.parent = os.getpid()
        signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)

    def in_parent(self) -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)

    def in_fork(self) -> None:
        for number in _TO_END:
            signal.signal(number, signal.SIG_DFL)
        self.tie(signal.SIGKILL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)


def main(parent: int, how: str, words: list[str]) -> None:
    """Become the command."""
    ties = _Ties(parent)
    if how == "ask":
        ties.tie(signal.SIGTERM)
        os.execv(words[0], words)  # noqa: S606 - the words come from api.serving.kept
    ties.tie(signal.SIGKILL)
    multiprocessing.set_start_method("fork")  # newer Pythons have another, whose processes would not be tied
    os.register_at_fork(before=ties.before_fork, after_in_parent=ties.in_parent, after_in_child=ties.in_fork)
    needed, *sys.argv = words
    _load(needed)
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _load(module: str) -> None:
    """Load what stays: it is not searched for circles, now or later, which would also part its memory."""
    gc.disable()
    importlib.import_module(module)
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
