"""Areas on the globe as conditions on a pair of coordinates, in arithmetic that every database has.

Neither SQLite nor PostgreSQL can be relied on for geometry, and SQLite not even for a cosine.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import cos, factorial, pi, radians, sin
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, func, literal, or_

Expression = SQLColumnExpression[Any]
Point = tuple[float, float]
"""Longitude and latitude in degrees."""
Ring = tuple[Point, ...]
"""The corners of a line that ends where it begins."""

EARTH_METRES = 6_371_008.8
"""The mean radius of the Earth (IUGG), which a distance is measured with."""
_TERMS = 15  # of the series; at half a turn what follows is below the last digit of a double


@dataclass(frozen=True)
class Polygon:
    """What an outer ring encloses, without what its inner rings do. Longitudes may go on beyond 180."""

    rings: tuple[Ring, ...]

    @property
    def edges(self) -> int:
        """How many lines it has: what a look at one record costs."""
        return sum(len(ring) - 1 for ring in self.rings)


@dataclass(frozen=True)
class Circle:
    """Everything within so many metres of a point, as the crow flies."""

    longitude: float
    latitude: float
    metres: float


Area = Polygon | Circle


def inside(area: Area, longitude: Expression, latitude: Expression) -> ColumnElement[bool]:
    """Whether a point lies in the area; one without coordinates does not."""
    if isinstance(area, Circle):
        return _within(area, longitude, latitude)
    west, east = (pick(x for ring in area.rings for x, _ in ring) for pick in (min, max))
    # A polygon across the antimeridian goes on beyond 180, where the world repeats itself.
    turns = [turn for turn in (-360.0, 0.0, 360.0) if west <= 180 + turn and east >= turn - 180]
    return or_(*(_enclosed(area, longitude + turn if turn else longitude, latitude) for turn in turns))


def _enclosed(area: Polygon, longitude: Expression, latitude: Expression) -> ColumnElement[bool]:
    """First whether it lies in the box around the polygon, then how many of its lines are further east."""
    xs, ys = zip(*(corner for ring in area.rings for corner in ring), strict=True)
    box = and_(latitude.between(min(ys), max(ys)), longitude.between(min(xs), max(xs)))
    if _is_box(area):
        return box
    lines = [line for ring in area.rings for line in pairwise(ring) if line[0][1] != line[1][1]]
    crossed = [_crossed(min(line, key=_y), max(line, key=_y), longitude, latitude) for line in lines]
    return and_(box, _sum(crossed) % 2 == 1) if crossed else box


def _y(corner: Point) -> float:
    return corner[1]


def _is_box(area: Polygon) -> bool:
    """Whether it is a rectangle along the meridians, whose border belongs to it on all four sides."""
    corners = set(area.rings[0])
    sides = (len({x for x, _ in corners}), len({y for _, y in corners}))
    straight = all((a[0] == b[0]) != (a[1] == b[1]) for a, b in pairwise(area.rings[0]))
    return len(area.rings) == 1 and len(area.rings[0]) == 5 and sides == (2, 2) and straight


def _crossed(low: Point, high: Point, longitude: Expression, latitude: Expression) -> ColumnElement[int]:
    """1 where a ray to the east from the point meets this line; its upper end belongs to the next one."""
    slope = (high[0] - low[0]) / (high[1] - low[1])
    beyond = longitude < low[0] + (latitude - low[1]) * slope
    return case((and_(latitude >= low[1], latitude < high[1], beyond), 1), else_=0)


def _sum(terms: list[ColumnElement[int]]) -> ColumnElement[int]:
    """Their sum as a tree of few levels: one below the other, they are too deep for Python to compile."""
    half = len(terms) // 2
    return _sum(terms[:half]) + _sum(terms[half:]) if half else terms[0]


def _within(area: Circle, longitude: Expression, latitude: Expression) -> ColumnElement[bool]:
    """The haversine formula: hav(distance) = hav(latitudes apart) + cos cos hav(longitudes apart)."""
    angle = area.metres / EARTH_METRES
    if angle >= pi:
        return and_(longitude.is_not(None), latitude.is_not(None))
    reach = angle * 180 / pi
    near = latitude.between(area.latitude - reach, area.latitude + reach)
    half_turn = 180.0 - func.abs(180.0 - func.abs(longitude - area.longitude))  # the shorter way round
    across = (1.0 - 2.0 * _haversine(latitude)) * cos(radians(area.latitude)) * _haversine(half_turn)
    return and_(near, _haversine(latitude - area.latitude) + across <= sin(angle / 2) ** 2)


def _haversine(degrees: Expression) -> Expression:
    """(1 - cos x) / 2 as its Taylor series. Nested to the left: SQLite parses no other depth."""
    square = degrees * degrees * (pi / 180) ** 2
    terms = [(-1) ** (term + 1) / (2 * factorial(2 * term)) for term in range(_TERMS, 0, -1)]
    series: Any = literal(0.0)
    for term in terms:
        series = (series + term) * square
    result: Expression = series
    return result
