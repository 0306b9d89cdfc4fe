"""From degrees to pixels and which part of the world is shown. Knows no coast, no records and no drawing.

The projection is the equirectangular one, true to scale along the middle latitude: parallels and meridians
are straight, so that a square of degrees is a rectangle. Longitudes run on beyond 180 where a map crosses
the antimeridian.
"""

import math
from dataclasses import dataclass

from api.draw.frame import Box
from api.speech import _, decimal, later

KM = math.pi * 6371.0088 / 180  # of one degree on a sphere with the earth's mean radius
LEAST_KM = 20.0  # a map of one record shows its surroundings
_MARGIN = 0.06  # of what is shown, around the outermost cells
_SLIM = 6.0  # times as long as broad: a map of less breadth cannot be read
_HIGHEST = 84.0  # a middle latitude nearer to the pole would make the world a line


@dataclass(frozen=True)
class Extent:
    """A part of the world in degrees; `east` is at least `west`, and goes on beyond 180."""

    west: float
    south: float
    east: float
    north: float

    @property
    def middle(self) -> float:
        """The latitude halfway."""
        return (self.south + self.north) / 2


@dataclass(frozen=True)
class View:
    """An extent that is shown in a box of the same shape; `up` is the pixels of a degree of latitude."""

    shown: Extent
    box: Box
    across: float
    up: float

    @property
    def kilometre(self) -> float:
        """The pixels of a kilometre, along the middle latitude and along every meridian."""
        return self.up / KM

    def x(self, longitude: float) -> float:
        """Where a longitude lies that is counted on from the western edge."""
        return self.box.left + (longitude - self.shown.west) * self.across

    def y(self, latitude: float) -> float:
        """Where a latitude lies."""
        return self.box.top + (self.shown.north - latitude) * self.up

    def pixels(self, extent: Extent) -> Box:
        """Where an extent lies that is within the view."""
        left = self.x(self.turned(extent.west))
        right = left + (extent.east - extent.west) * self.across
        return Box(left, self.y(extent.north), right, self.y(extent.south))

    def turned(self, longitude: float) -> float:
        """A longitude as it is counted here: on from the western edge, which has to be left of it."""
        return self.shown.west + (longitude - self.shown.west) % 360


def view(extent: Extent, room: Box, *, exact: bool) -> View:
    """The view that fits a box: of just this extent, or with a margin and what there is room for."""
    wanted = _least(extent, 0.1) if exact else _least(_padded(extent), LEAST_KM)
    wanted = _grown(wanted, *_stout(wanted)) if exact else wanted
    shrink = math.cos(math.radians(min(abs(wanted.middle), _HIGHEST)))
    wide, high = (wanted.east - wanted.west) * shrink, wanted.north - wanted.south
    up = min(room.wide / wide, room.high / high)
    if not exact:
        up = max(up, min(room.wide / (360 * shrink), room.high / 180))
        wanted = _grown(wanted, room.wide / up / shrink, room.high / up)
    wide, high = (wanted.east - wanted.west) * shrink * up, (wanted.north - wanted.south) * up
    left = room.left + (room.wide - wide) / 2
    return View(wanted, Box(left, room.top, left + wide, room.top + high), up * shrink, up)


def _padded(extent: Extent) -> Extent:
    side = max(extent.east - extent.west, extent.north - extent.south) * _MARGIN
    return _grown(extent, extent.east - extent.west + 2 * side, extent.north - extent.south + 2 * side)


def _least(extent: Extent, kilometres: float) -> Extent:
    """Nothing smaller than this, in either direction."""
    high = kilometres / KM
    wide = high / math.cos(math.radians(min(abs(extent.middle), _HIGHEST)))
    return _grown(extent, max(wide, extent.east - extent.west), max(high, extent.north - extent.south))


def _stout(extent: Extent) -> tuple[float, float]:
    """Width and height of an extent, the smaller at least a sixth of the larger, as a map shows them."""
    shrink = math.cos(math.radians(min(abs(extent.middle), _HIGHEST)))
    wide, high = extent.east - extent.west, extent.north - extent.south
    return max(wide, high / _SLIM / shrink), max(high, wide * shrink / _SLIM)


def _grown(extent: Extent, wide: float, high: float) -> Extent:
    """An extent of this size around the same middle, moved where it would go beyond a pole."""
    wide, high = min(wide, 360.0), min(high, 180.0)
    west = (extent.west + extent.east - wide) / 2
    if wide == 360 and extent.west >= -180 and extent.east <= 180:
        west = -180.0  # the whole world has its seam where everybody's has
    south = min(max(extent.middle - high / 2, -90.0), 90.0 - high)
    west = (west + 180) % 360 - 180
    return Extent(west, south, west + wide, south + high)


_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 90.0)


def ticks(low: float, high: float, most: int) -> tuple[list[float], int]:
    """Round degrees between two ends, at most so many or none, and the decimals that they take."""
    step = next((step for step in _STEPS if (high - low) / step <= most + 1e-6), None)
    if step is None:
        return [], 0
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(index * step, 6) for index in range(first, last + 1)], max(0, -math.floor(math.log10(step)))


# For translators: the points of the compass.
_COMPASS = {"N": later("N"), "S": later("S"), "E": later("E"), "W": later("W")}


def written(degrees: float, decimals: int, letters: str) -> str:
    """A latitude ("NS") or longitude ("EW") for a reader: 46.5° N, 180°, 0°."""
    degrees = degrees if letters == "NS" else (degrees + 180) % 360 - 180
    number = decimal(f"{abs(degrees):.{decimals}f}\N{DEGREE SIGN}")
    if degrees == 0 or (letters == "EW" and degrees == -180):
        return number
    return f"{number}\N{NO-BREAK SPACE}{_(_COMPASS[letters[degrees < 0]])}"


def scale_bar(view: View, room: float) -> int | float:
    """The round kilometres (1, 2, 5 times a power of ten) whose bar takes at most `room` pixels."""
    most = room / view.kilometre
    power: float = 10.0 ** math.floor(math.log10(most))
    length = next(factor for factor in (5, 2, 1) if factor * power <= most * (1 + 1e-9)) * power
    return int(length) if length >= 1 else round(length, 6)
