"""What part of the world positions cover, and the grid that fits it; asks nothing.

A longitude has no first and no last: of all ways around the globe, the smallest is meant.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Of a cell, in hundredths of a degree: all of them divide the world."""
_ACROSS = 60  # cells along the longer side at most
_LEAST = 0.18  # degrees of latitude, 20 km: one record lies somewhere, too
_WORLD = 270.0  # degrees of longitude from which on the whole world is shown


@dataclass(frozen=True)
class Extent:
    """A part of the world in degrees; across the antimeridian, `east` goes on beyond 180."""

    west: float
    south: float
    east: float
    north: float


def asked_for(bbox: tuple[float, float, float, float]) -> Extent:
    """The extent of a box (see Filters)."""
    west, south, east, north = bbox
    return Extent(west, south, east if east >= west else east + 360, north)


def around(strips: Sequence[Any], steps: int) -> Extent | None:
    """What strips cover; None where there are none.

    Each is its first and last row and its first and last column, in a grid of so many steps a degree.
    """
    if not strips:
        return None
    south, north = min(strip[0] for strip in strips), max(strip[1] for strip in strips) + 1
    gap, west = _widest_gap(sorted((strip[2], strip[3] + 1) for strip in strips), 360 * steps)
    low, high = south / steps - 90, north / steps - 90
    if 360 * steps - gap > _WORLD * steps:
        return Extent(-180.0, low, 180.0, high)
    return Extent(west / steps - 180, low, west / steps + 180 - gap / steps, high)


def _widest_gap(spans: Sequence[tuple[int, int]], world: int) -> tuple[int, int]:
    """How wide the widest gap between spans is, and where it ends; of equal ones the westernmost."""
    gap, west = 0, spans[0][0]
    reached = spans[0][1]
    for start, end in [*spans[1:], (spans[0][0] + world, 0)]:
        if start - reached > gap or (start - reached == gap and start % world < west):
            gap, west = start - reached, start % world
        reached = max(reached, end)
    return gap, west


def tight(found: Collection[tuple[int, int]], hundredths: int, extent: Extent) -> Extent:
    """What the cells cover, in longitudes that go on as those of a rougher extent do."""
    size = hundredths / 100
    before = extent.west - size
    middles = [before + ((2 * column + 1) * size / 2 - 180 - before) % 360 for _, column in found]
    south, north = min(row for row, _ in found) * size - 90, max(row for row, _ in found) * size - 90 + size
    west, east = min(middles) - size / 2, max(middles) + size / 2
    if extent.east - extent.west == 360:
        west, east = extent.west, extent.east
    return Extent(*(round(edge, 6) for edge in (west, south, east, north)))


def fitting(extent: Extent) -> int:
    """The size of cell for an extent, in hundredths of a degree: at most sixty along its longer side."""
    shrink = math.cos(math.radians(abs(extent.south + extent.north) / 2))
    longest = max(_LEAST, extent.north - extent.south, (extent.east - extent.west) * shrink)
    return next((size for size in SIZES if longest * 100 <= size * _ACROSS), SIZES[-1])
