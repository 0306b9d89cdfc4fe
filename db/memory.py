"""Memory that is free already, back to the system: allocators would rather keep it. Knows no table."""

from __future__ import annotations

import ctypes

from db.arrow import pa


def give_back() -> None:
    """Let Arrow and the C library give back what nobody holds; between two steps, for it takes milliseconds.

    What one thread has freed is of no use to another, which has a heap of its own.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # the GNU C library alone has it, and needs it
    if trim:
        trim(0)
