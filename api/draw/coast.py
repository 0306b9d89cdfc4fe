"""The world's coasts and borders, read once from the file beside this one. Knows no map and no projection.

Natural Earth 4.1, 1:10 million, public domain; ``coast.txt`` is its notice, ``docs/coastline.py`` made it.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import brotli
import numpy as np

_FILE = Path(__file__).with_name("coast.br")
_STEP = 0.004  # degrees


@dataclass(frozen=True)
class Lines:
    """Many lines in one array: `points` of longitude and latitude in degrees, and where each line begins.

    A line that crosses the antimeridian has longitudes beyond 180. `boxes` holds west, south, east and north
    of each.
    """

    points: Any
    starts: Any
    boxes: Any

    def some(self, chosen: Any) -> "Lines":
        """Those of the lines that a mask says yes to."""
        ends = np.append(self.starts[1:], len(self.points))
        lengths = np.where(chosen, ends - self.starts, 0)
        points = self.points[np.repeat(chosen, ends - self.starts)]
        starts = (np.cumsum(lengths) - lengths)[chosen]
        return Lines(points, starts, self.boxes[chosen])


@dataclass(frozen=True)
class World:
    """Outlines of land, lakes as large as a sea being outlines inside of them, and borders on land."""

    land: Lines
    borders: Lines


@lru_cache(maxsize=1)
def world() -> World:
    """The world; the first to ask waits for some milliseconds."""
    content = brotli.decompress(_FILE.read_bytes())
    outlines, borders = (int(number) for number in np.frombuffer(content, "<i4", 2))
    count = outlines + borders
    lengths = np.frombuffer(content, "<i4", count, 8)
    firsts = np.frombuffer(content, "<i4", 2 * count, 8 + 4 * count).reshape(count, 2)
    planes = np.frombuffer(content, np.uint8, offset=8 + 12 * count).reshape(2, 2, -1)
    starts = np.cumsum(lengths) - lengths
    points = np.empty((planes.shape[2], 2))
    for axis in (0, 1):  # longitude, latitude
        folded = planes[0, axis] | planes[1, axis].astype(np.int32) << 8
        walked = np.cumsum((folded >> 1) ^ -(folded & 1), dtype=np.int32)
        points[:, axis] = (walked + np.repeat(firsts[:, axis] - walked[starts], lengths)) * _STEP
    cut = int(lengths[:outlines].sum())
    return World(_lines(points[:cut], starts[:outlines]), _lines(points[cut:], starts[outlines:] - cut))


def _lines(points: Any, starts: Any) -> Lines:
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return Lines(points, starts, np.concatenate([low, high], axis=1))
