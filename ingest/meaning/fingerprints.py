"""The identity of what was understood of a row, for whole columns at once; knows no term.

Databases keep fingerprints: another way to make them would let every row look corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from db.arrow import pa

Numbers = np.ndarray[Any, np.dtype[np.uint64]]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_SEEDS = (np.uint64(0x8B8B2F6D1C4E5A37), np.uint64(0x3C79AC492BA7B653))


def mixed(numbers: Numbers) -> Numbers:
    """Each 64-bit number turned into another that looks random (the finaliser of splitmix64, Steele 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def of_doubles(values: np.ndarray[Any, np.dtype[np.float64]]) -> Numbers:
    """Two numbers for each double, shape (rows, 2); NaN is one value, and so is zero."""
    plain = np.where(np.isnan(values), np.nan, values + 0.0)
    bits = plain.astype("<f8").view("<u8")
    return np.stack([mixed(bits ^ seed) for seed in _SEEDS], axis=1)


def combined(parts: Sequence[Numbers]) -> pa.Array:
    """One fingerprint of 16 bytes for each row, from the (rows, 2) numbers of its parts in order.

    Each part is random by itself; multiplied by an odd number of its place and added, 128 bits of sum tell
    two rows apart that differ in any of them.
    """
    with np.errstate(over="ignore"):
        total = np.zeros_like(parts[0])
        for place, numbers in enumerate(parts, 1):
            factor = mixed(np.asarray([np.uint64(place) * _GOLDEN], np.uint64))[0] | np.uint64(1)
            total += numbers * factor
        total = mixed(total + _GOLDEN)
    buffer = pa.py_buffer(np.ascontiguousarray(total, "<u8").tobytes())
    return pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(total), [None, buffer]).cast(pa.binary())
