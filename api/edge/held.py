"""Signals to end, kept until the loop of a worker can hear them. Knows neither loop nor worker."""

from __future__ import annotations

import signal

_TO_END = {signal.SIGTERM, signal.SIGINT}


def hold_signals() -> None:
    """From here on what tells this process, of a single thread, to end waits until hear_signals.

    A loop hears a signal only while it runs: one that came between the loop's handlers and its first turn was
    lost, and its worker served on until somebody lost patience and killed it.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _TO_END)


def hear_signals() -> None:
    """What has waited is heard now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TO_END)
