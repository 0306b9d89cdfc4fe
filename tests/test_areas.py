"""Areas on the globe: what lies in them, held against plain geometry, and how they are written."""

from __future__ import annotations

import math
import random
from itertools import pairwise, product
from typing import Any

import pytest
from sqlalchemy import Column, Double, Engine, Integer, MetaData, Table, insert, select

from api.asking.areas import MOST_EDGES, read_circle, read_polygons
from db.areas import EARTH_METRES, Area, Circle, Polygon, inside

POINTS = [(random.Random(number).uniform(-180, 180), random.Random(-number - 1).uniform(-90, 90))
          for number in range(800)]  # fmt: skip
POINTS += [
    (170.0, -10.0),
    (-170.0, 10.0),
    (180.0, 0.0),
    (-180.0, 0.0),
    (0.0, 90.0),
    (0.0, -90.0),
    (10.0, 59.0),
]
TABLE = Table(
    "point", MetaData(), Column("id", Integer, primary_key=True), Column("x", Double), Column("y", Double)
)
HOLED = "POLYGON((0 0, 40 0, 40 40, 0 40, 0 0), (10 10, 10 30, 30 30, 30 10, 10 10))"
ACROSS = "POLYGON((160 -30, -150 -40, -160 30, 150 40, 160 -30))"


@pytest.fixture
def points(writer: Engine) -> Engine:
    with writer.begin() as connection:
        TABLE.create(connection)
        rows: list[dict[str, Any]] = [{"id": n, "x": x, "y": y} for n, (x, y) in enumerate(POINTS)]
        connection.execute(insert(TABLE), [*rows, {"id": len(rows), "x": None, "y": None}])
    return writer


def found(points: Engine, area: Area) -> set[int]:
    with points.begin() as connection:
        asked = select(TABLE.c.id).where(inside(area, TABLE.c.x, TABLE.c.y))
        return set(connection.execute(asked).scalars())


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """By the cosine rule on unit vectors, which is another way than the one that is tested."""
    vectors = [
        (math.cos(y) * math.cos(x), math.cos(y) * math.sin(x), math.sin(y))
        for x, y in ((math.radians(x), math.radians(y)) for x, y in (one, other))
    ]
    cross = math.dist(*vectors) / 2
    return 2 * EARTH_METRES * math.asin(min(1.0, cross))


def encloses(rings: list[list[tuple[float, float]]], point: tuple[float, float]) -> bool:
    """By the angle under which the ring is seen, which is another way than counting crossings."""

    def around(ring: list[tuple[float, float]]) -> bool:
        total = 0.0
        for a, b in pairwise(ring):
            one, other = (math.atan2(end[1] - point[1], end[0] - point[0]) for end in (a, b))
            total += (other - one + math.pi) % (2 * math.pi) - math.pi
        return abs(total) > math.pi

    return around(rings[0]) and not any(around(hole) for hole in rings[1:])


def test_a_circle_holds_what_is_near_by(points: Engine) -> None:
    centres = [(10.7, 59.9), (179.9, -16.0), (-179.9, 65.0), (0.0, 89.5), (30.0, -90.0), (0.0, 0.0)]
    for centre, reach in product(centres, [1_000.0, 800_000.0, 9_000_000.0, 30_000_000.0]):
        expected = {number for number, point in enumerate(POINTS) if metres(centre, point) <= reach}
        assert found(points, Circle(*centre, reach)) == expected, (centre, reach)


def test_a_circle_is_exact_to_the_metre() -> None:
    assert metres((10.0, 59.0), (10.0, 59.001)) == pytest.approx(111.195, abs=0.001)


def test_distance_is_measured_to_the_centimetre(points: Engine) -> None:
    assert len(POINTS) - 1 not in found(points, Circle(10.0, 59.001, 111.19))
    assert len(POINTS) - 1 in found(points, Circle(10.0, 59.001, 111.2))


def test_a_polygon_holds_what_it_goes_around(points: Engine) -> None:
    for seed in range(6):
        dice = random.Random(seed)
        corners = [
            (dice.uniform(40, 150) * math.cos(angle), dice.uniform(20, 80) * math.sin(angle))
            for angle in (2 * math.pi * step / 17 for step in range(17))
        ]
        ring = [*corners, corners[0]]
        expected = {number for number, point in enumerate(POINTS) if encloses([ring], point)}
        assert found(points, Polygon((tuple(ring),))) == expected


def test_a_hole_is_not_in_its_polygon(points: Engine) -> None:
    (area,) = read_polygons(HOLED)
    rings = [list(ring) for ring in area.rings]
    expected = {number for number, point in enumerate(POINTS) if encloses(rings, point)}
    assert found(points, area) == expected


def test_a_polygon_across_the_antimeridian_holds_both_its_sides(points: Engine) -> None:
    (area,) = read_polygons(ACROSS)
    beyond = [(160.0, -30.0), (210.0, -40.0), (200.0, 30.0), (150.0, 40.0), (160.0, -30.0)]
    expected = {
        number for number, (x, y) in enumerate(POINTS) if encloses([beyond], (x + 360 if x < 0 else x, y))
    }
    assert found(points, area) == expected
    assert {POINTS[number][0] > 0 for number in expected} == {True, False}
    same = "POLYGON((160 -30, 210 -40, 200 30, 150 40, 160 -30))"
    assert found(points, read_polygons(same)[0]) == expected
    west = "POLYGON((-200 -30, -150 -40, -160 30, -210 40, -200 -30))"
    assert found(points, read_polygons(west)[0]) == expected


def test_a_rectangle_holds_its_border_on_all_sides(points: Engine) -> None:
    (area,) = read_polygons("POLYGON((-170 -10, 170 -10, 170 10, -170 10, -170 -10))")
    expected = {number for number, (x, y) in enumerate(POINTS) if -170 <= x <= 170 and -10 <= y <= 10}
    assert found(points, area) == expected
    assert {POINTS.index((170.0, -10.0)), POINTS.index((-170.0, 10.0))} <= expected


def test_the_whole_world_is_an_area(points: Engine) -> None:
    for west, east in ((-180, 180), (-200, 200)):
        written = f"POLYGON(({west} -90,{east} -90,{east} 90,{west} 90,{west} -90))"
        assert found(points, read_polygons(written)[0]) == set(range(len(POINTS)))


def test_as_many_sides_as_are_allowed_can_be_asked_for(points: Engine) -> None:
    steps = [2 * math.pi * step / MOST_EDGES for step in range(MOST_EDGES)]
    ring = [(120 * math.cos(angle), 70 * math.sin(angle)) for angle in steps]
    area = Polygon(((*ring, ring[0]),))
    expected = {number for number, point in enumerate(POINTS) if encloses([[*ring, ring[0]]], point)}
    assert found(points, area) == expected


def test_a_multipolygon_is_several_polygons() -> None:
    written = "multipolygon (((0 0, 1 0, 1 1, 0 0)),((5 5,6 5,\n6 6,5 5), (5.2 5.1,5.3 5.1,5.3 5.2,5.2 5.1)))"
    assert [len(area.rings) for area in read_polygons(written)] == [1, 2]


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("POINT(1 2)", "must be WKT"), ("POLYGON((0 0,1 0,1 1))", "end where it begins"),
        ("POLYGON((0 0,1 0,0 0))", "three corners"), ("POLYGON((0 0,0 1,1 1,1 0,0 0))", "clockwise"),
        ("POLYGON((-180 -90,-180 90,180 90,180 -90,-180 -90))", "clockwise"),
        ("POLYGON((0 0,1 0,1 91,0 0))", "outside of the world"), ("POLYGON((0 0,400 0,1 1,0 0))", "outside"),
        ("POLYGON((0 0,1 0,1 1,0 0)", "must be WKT"), ("POLYGON EMPTY", "must be WKT"),
        ("POLYGON((1e3 0,1 0,1 1,1e3 0))", "must be WKT"), ("POLYGON((nan 0,1 0,1 1,nan 0))", "must be WKT"),
        ("POLYGON((" + "0 0," * 6000 + "0 0))", "longer than"), ("(" * 5000, "must be WKT"),
    ],
)  # fmt: skip
def test_what_is_no_area_is_refused(written: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_polygons(written)


@pytest.mark.parametrize(
    ("written", "expected"),
    [("5km,59.9,10.7", Circle(10.7, 59.9, 5000)), ("250,-1,180", Circle(180, -1, 250)),
     ("2.5MI,0,0", Circle(0, 0, 4023.36)), ("90m,0,-0.5", Circle(-0.5, 0, 90))],
)  # fmt: skip
def test_a_circle_is_written_as_gbif_writes_it(written: str, expected: Circle) -> None:
    assert read_circle(written) == expected


@pytest.mark.parametrize(
    "written", ["5km", "5km,91,0", "5km,0,181", "-5km,0,0", "5ft,0,0", "5km,0,0,0", "x,0,0"]
)
def test_what_is_no_circle_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"must be a distance|outside of the world"):
        read_circle(written)
