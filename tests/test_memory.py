"""What is freed goes back to the system, whichever thread had it."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from db.memory import give_back

STATUS = Path("/proc/self/status")


def resident() -> int:
    """How many bytes of memory that no file backs this process holds."""
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024


@pytest.mark.skipif(
    not STATUS.exists() or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="this is no GNU system"
)
def test_what_a_thread_has_freed_is_given_back() -> None:
    def all_but_the_last() -> object:
        return [np.ones(2_000) for _ in range(4_000)][-1]

    with ThreadPoolExecutor(1) as thread:
        last = thread.submit(all_but_the_last).result()
        held = resident()
        give_back()
        assert resident() < held - (40 << 20)
        del last
