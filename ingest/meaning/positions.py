"""Columns of coordinates -> degrees and metres: most rows have their own; knows no other column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.arrow import pa, pc
from ingest.meaning.fingerprints import Numbers, of_doubles
from ingest.meaning.parts import Codes, Given, Group, Part, part
from ingest.words import values

Doubles = np.ndarray[Any, np.dtype[np.float64]]
TERMS = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
_PLAIN = (r"^-?\d{1,2}\.\d+$", r"^-?\d{1,3}\.\d+$", r"^[1-9]\d*(\.\d+)?$")
_FARTHEST = (90.0, 180.0, 1e9)


@dataclass(frozen=True)
class Positions:
    """The coordinates of the rows of one chunk; NaN where there are none."""

    latitude: Doubles
    longitude: Doubles
    uncertainty: Doubles
    codes: Codes
    """The number of each row's part, for its issues; 0 has none."""
    parts: Sequence[Part]

    def digests(self) -> list[Numbers]:
        """Two numbers a row for each of the three."""
        return [of_doubles(one) for one in (self.latitude, self.longitude, self.uncertainty)]


def group() -> Group:
    """Remembers the positions that are no plain degrees."""
    return Group((0, 1, 2), understand)


def read(columns: Sequence[pa.Array | None], rows: int, others: Group) -> Positions:
    """Latitude, longitude and uncertainty from columns of text, in the order of TERMS, None where one lacks.

    Plain decimal degrees are read as a whole column; what is written in any other way, or is doubtful, goes
    value by value to the group of ``others``.
    """
    plain = np.full(rows, columns[0] is not None and columns[1] is not None)
    for column, pattern in zip(columns, _PLAIN, strict=True):
        if column is not None:
            plain &= pc.match_substring_regex(column, pattern).to_numpy(zero_copy_only=False)
    found = np.full((3, rows), np.nan)
    for place, (column, farthest) in enumerate(zip(columns, _FARTHEST, strict=True)):
        if column is not None and plain.any():
            numbers = np.full(rows, np.nan)
            numbers[plain] = pc.cast(column.filter(pa.array(plain)), pa.float64()).to_numpy()
            found[place] = numbers
            plain &= np.abs(np.nan_to_num(numbers)) <= farthest
    for north, east in ((0, 0), values.NOWHERE):
        plain &= (found[0] != north) | (found[1] != east)
    codes, parts = _value_by_value(columns, ~plain, found, others)
    return Positions(found[0], found[1], found[2], codes, parts)


def _value_by_value(
    columns: Sequence[pa.Array | None], rest: Any, found: Doubles, others: Group
) -> tuple[Codes, list[Part]]:
    codes = np.zeros(len(rest), np.int64)
    nothing = part((None, None, None))
    if not rest.any():
        return codes, [nothing]
    mask = pa.array(rest)
    number = int(rest.sum())
    nothing_there = pa.repeat("", number)
    told = others.of([nothing_there if one is None else one.filter(mask) for one in columns], number)
    codes[rest] = told.codes + 1
    for place in range(3):
        numbers = [one.values[place] if one.values else None for one in told.parts]
        found[place, rest] = np.array([np.nan if n is None else n for n in numbers], float)[told.codes]
    return codes, [nothing, *told.parts]


def understand(given: Given) -> Part:
    """One position from its texts, in the order of TERMS, with GBIF's issues."""
    position = values.position(*given)
    return part((position.latitude, position.longitude, position.uncertainty), *position.issues)
