"""How areas are written in a query: polygons as well-known text, circles as GBIF has them. Knows no query.

GBIF's rule for the antimeridian holds: corners run anticlockwise around what is meant. A polygon that seems
to run clockwise and is wider than half of the world crosses the antimeridian, as does one that goes on beyond
180 degrees.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from db.areas import Circle, Polygon, Ring

MOST_EDGES = 200
"""Sides that all polygons of a question may have together."""
_LONGEST = 20_000
_NUMBER = r"-?[0-9]{1,3}(?:\.[0-9]{1,17})?"
_CORNER = re.compile(rf"({_NUMBER})\s+({_NUMBER})", re.ASCII)
_RING = rf"\(\s*{_NUMBER}\s+{_NUMBER}(?:\s*,\s*{_NUMBER}\s+{_NUMBER})*\s*\)"
_BODY = rf"\(\s*{_RING}(?:\s*,\s*{_RING})*\s*\)"
_RINGS, _BODIES = re.compile(_RING, re.ASCII), re.compile(_BODY, re.ASCII)
_WKT = re.compile(
    rf"(?:POLYGON\s*{_BODY}|MULTIPOLYGON\s*\(\s*{_BODY}(?:\s*,\s*{_BODY})*\s*\))", re.ASCII | re.IGNORECASE
)
_CIRCLE = re.compile(
    rf"([0-9]{{1,8}}(?:\.[0-9]{{1,6}})?)\s*(m|km|mi)?,({_NUMBER}),({_NUMBER})", re.ASCII | re.IGNORECASE
)
WrittenCircle = Annotated[
    str, Field(pattern=rf"^[0-9]{{1,8}}(\.[0-9]{{1,6}})?(m|km|mi)?,{_NUMBER},{_NUMBER}$")
]
WrittenPolygons = Annotated[
    str, Field(max_length=_LONGEST, pattern=rf"^(POLYGON ?{_BODY}|MULTIPOLYGON ?\({_BODY}(,{_BODY})*\))$")
]
_METRES = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "": 1.0}


def read_polygons(value: str) -> tuple[Polygon, ...]:
    """The polygons of ``POLYGON((lon lat, ...), (hole ...))`` or of ``MULTIPOLYGON(((...)), ((...)))``."""
    if len(value) > _LONGEST:
        raise ValueError(f"is longer than {_LONGEST} characters")
    if not _WKT.fullmatch(value.strip()):
        raise ValueError("must be WKT such as POLYGON((10 59, 11 59, 11 60, 10 59)), longitude first")
    return tuple(Polygon(tuple(_rings(body))) for body in _BODIES.findall(value))


def _rings(body: str) -> Iterator[Ring]:
    outer: Ring = ()
    for number, written in enumerate(_RINGS.findall(body)):
        ring = tuple((float(x) + 0.0, float(y) + 0.0) for x, y in _CORNER.findall(written))
        if ring[0] != ring[-1] or len(set(ring)) < 3:
            raise ValueError("has a ring that does not end where it begins, or has no three corners")
        if any(abs(x) > 360 or abs(y) > 90 for x, y in ring):
            raise ValueError("lies outside of the world: longitudes go to 360 at most, latitudes to 90")
        outer = outer or _anticlockwise(ring)
        yield _beside(ring, outer) if number else outer


def _anticlockwise(ring: Ring) -> Ring:
    """The outer ring as it is meant on a globe. Raises ValueError for one around the rest of the world."""
    if _turn(ring) >= 0:
        return ring
    across = _eastward(ring)
    width = max(x for x, _ in ring) - min(x for x, _ in ring)
    if width <= 180 or _turn(across) <= 0:
        raise ValueError("runs clockwise, which would mean the rest of the world: turn its corners around")
    return across


def _beside(hole: Ring, outer: Ring) -> Ring:
    """A hole, beyond the antimeridian if what it is in lies there."""
    return _eastward(hole) if min(x for x, _ in hole) < min(x for x, _ in outer) else hole


def _eastward(ring: Ring) -> Ring:
    return tuple((x + 360 if x < 0 else x, y) for x, y in ring)


def _turn(ring: Ring) -> float:
    """Twice the area that a ring encloses in the plane: positive where it runs anticlockwise."""
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring))


def read_circle(value: str) -> Circle:
    """``5km,59.9,10.7``: distance in m, km or mi (none is metres), latitude, longitude."""
    found = _CIRCLE.fullmatch(value.strip())
    if not found:
        raise ValueError("must be a distance, a latitude and a longitude, such as 5km,59.9,10.7")
    distance, unit, latitude, longitude = found.groups()
    if abs(float(latitude)) > 90 or abs(float(longitude)) > 180:
        raise ValueError("lies outside of the world: latitudes go to 90, longitudes to 180")
    return Circle(float(longitude), float(latitude), float(distance) * _METRES[(unit or "").lower()])
