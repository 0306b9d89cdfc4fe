"""The map as a drawing: the bundled coast, what a view shows of it, classes, degrees, the scale."""

from __future__ import annotations

import math
import re
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from api.draw import Cell, Grid, Look, Words, coast, density
from api.draw.classes import classes
from api.draw.frame import Box
from api.draw.outlines import drawn, filled
from api.draw.projection import Extent, scale_bar, ticks, view, written

ROOM = Box(60.0, 80.0, 700.0, 360.0)
WORDS = Words("Where they were recorded", "", "Records per cell of 1°", (), "Facts.")
EXTENTS = {
    "the world": Extent(-180, -90, 180, 90),
    "a park": Extent(13.8, 46.3, 13.9, 46.4),
    "Fiji": Extent(176, -20, 183, -15),
    "the far south": Extent(-70, -90, 60, -60),
    "a point": Extent(10.7, 59.9, 10.7, 59.9),
    "the pole": Extent(-180, 89.9, 180, 90),
    "a sliver": Extent(-179.9, 10, 179.9, 10.01),
}


def area(outlines: list[np.ndarray]) -> float:
    """Of all outlines, holes taken off: they run the other way round."""
    sums = [
        float(np.sum(o[:, 0] * np.roll(o[:, 1], -1) - np.roll(o[:, 0], -1) * o[:, 1])) / 2 for o in outlines
    ]
    return abs(sum(sums))


def test_the_coast_is_small_and_read_once() -> None:
    assert Path(coast.__file__).with_name("coast.br").stat().st_size < 300_000
    coast.world.cache_clear()
    started = time.process_time()
    world = coast.world()
    assert time.process_time() - started < 0.5  # about 10 ms, on a machine that has nothing else to do
    assert coast.world() is world
    assert len(world.land.starts) > 4000
    assert len(world.borders.starts) > 300
    assert "public domain" in Path(coast.__file__).with_name("coast.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("place", "on_land"),
    [((46.05, 14.5), True), ((64.9, -18.6), True), ((45.2, 13.2), False), ((0.0, -30.0), False),
     ((66.0, 179.9), True), ((66.5, -179.0), True), ((-17.8, 178.0), True), ((-16.8, -179.95), True),
     ((-17.5, 179.5), False), ((-89.0, 100.0), True), ((-75.0, 179.99), False), ((42.0, 51.0), False)],
)  # fmt: skip
def test_what_is_land_is_drawn_as_land(place: tuple[float, float], on_land: bool) -> None:
    """Ljubljana, Iceland, the Adriatic, the Atlantic, Chukotka on both sides, Fiji, the ice, the Caspian."""
    latitude, longitude = place
    side = 0.01
    around = Extent(longitude - side, latitude - side, longitude + side, latitude + side)
    seen = view(around, ROOM, exact=True)
    share = area(filled(coast.world().land, seen)) / (seen.box.wide * seen.box.high)
    assert share == pytest.approx(1.0 if on_land else 0.0, abs=0.01)


def test_thinning_takes_nothing_from_the_land() -> None:
    """In square degrees the world's land is a third of its map; the ice reaches down to the edge."""
    seen, land = view(EXTENTS["the world"], ROOM, exact=True), coast.world().land
    parts = np.split(land.points, land.starts[1:])
    whole = area(parts[1:]) + area(parts[:1]) / 3
    share = area(filled(land, seen)) / (seen.box.wide * seen.box.high)
    assert share == pytest.approx(whole / (360 * 180), abs=0.005)


@pytest.mark.parametrize("name", EXTENTS)
@pytest.mark.parametrize("exact", [True, False])
def test_nothing_is_drawn_outside_of_the_view(name: str, exact: bool) -> None:
    seen = view(EXTENTS[name], ROOM, exact=exact)
    box, world = seen.box, coast.world()
    assert ROOM.left - 1e-6 <= box.left <= box.right <= ROOM.right + 1e-6
    assert ROOM.top - 1e-6 <= box.top <= box.bottom <= ROOM.bottom + 1e-6
    lines = [*filled(world.land, seen), *drawn(world.borders, seen)]
    for line in lines:
        assert np.isfinite(line).all()
        assert box.left - 1e-6 <= line[:, 0].min() <= line[:, 0].max() <= box.right + 1e-6
        assert box.top - 1e-6 <= line[:, 1].min() <= line[:, 1].max() <= box.bottom + 1e-6
    assert sum(map(len, lines)) < 12_000


@pytest.mark.parametrize("name", EXTENTS)
def test_a_view_shows_what_is_asked_and_keeps_its_shape(name: str) -> None:
    asked, seen = EXTENTS[name], view(EXTENTS[name], ROOM, exact=False)
    shown = seen.shown
    assert -90 <= shown.south <= shown.north <= 90
    assert shown.east - shown.west <= 360 + 1e-9
    assert shown.south <= asked.south <= asked.north <= shown.north
    for longitude in (asked.west, asked.east):
        assert (longitude - shown.west) % 360 <= shown.east - shown.west + 1e-6
    high = (shown.north - shown.south) * 111.195
    assert high >= 19.9
    assert seen.across == pytest.approx(
        seen.up * math.cos(math.radians(min(abs(shown.middle), 84))), rel=0.25
    )


def test_a_sliver_that_was_asked_for_is_shown_with_its_surroundings() -> None:
    for extent in (Extent(-180, -1, 180, 1), Extent(13.0, -80, 13.1, 80), Extent(13.0, 46.0, 13.0, 46.0)):
        seen = view(extent, ROOM, exact=True)
        asked = seen.pixels(extent)
        assert min(seen.box.wide, seen.box.high) > 40
        assert seen.box.left - 0.01 <= asked.left <= asked.right <= seen.box.right + 0.01
        assert seen.box.top <= asked.top <= asked.bottom <= seen.box.bottom


def test_a_box_is_shown_as_it_was_asked_for() -> None:
    seen = view(Extent(178, -20, 182, -15), ROOM, exact=True)
    assert seen.shown == Extent(178, -20, 182, -15)
    assert seen.x(seen.turned(-178.5)) == pytest.approx(seen.x(181.5))


@pytest.mark.parametrize(
    ("values", "labels"),
    [([1], ["1"]), ([7, 7], ["7"]), ([1, 2, 3, 4, 5], ["1", "2", "3", "4", "5"]),
     ([90, 97, 104, 110], ["90–94", "95–99", "100–109", "110"]),
     ([1, 4_000_000], ["1–199\u2009999", "200\u2009000–4\u2009000\u2009000"]),
     ([0.5, 1.5, 40], ["0.500\u2009+", "1\u2009+", "20\u2009+"])],
)  # fmt: skip
def test_classes_have_round_limits_and_none_is_empty(values: list[float], labels: list[str]) -> None:
    found = classes(values)
    assert found.labels() == labels
    assert {found.of(value) for value in values} == set(range(len(labels)))


@pytest.mark.parametrize("seed", range(20))
def test_classes_follow_the_values(seed: int) -> None:
    values = np.random.default_rng(seed).lognormal(3, seed / 4, 50).round().clip(1).tolist()
    found = classes(values)
    assert 1 <= len(found.limits) <= 5
    assert [found.of(value) for value in sorted(values)] == sorted(found.of(value) for value in values)
    assert found.limits[0] == min(values)


def test_degrees_are_written_for_readers() -> None:
    asked = ((46.5, 1, "NS"), (-7, 0, "NS"), (0, 0, "NS"), (190, 0, "EW"), (180, 0, "EW"), (-180, 1, "EW"),
             (13.85, 2, "EW"))  # fmt: skip
    texts = [written(*one).replace("\N{NO-BREAK SPACE}", " ") for one in asked]
    assert texts == ["46.5° N", "7° S", "0°", "170° W", "180°", "180.0°", "13.85° E"]
    assert ticks(13.7, 14.1, 4) == ([13.7, 13.8, 13.9, 14.0, 14.1], 1)
    assert ticks(-180, 180, 1) == ([], 0)


def test_the_scale_bar_is_as_long_as_it_says() -> None:
    seen = view(Extent(13, 46, 14, 47), ROOM, exact=False)
    length = scale_bar(seen, 130)
    pixels = length * seen.kilometre
    assert 50 < pixels <= 130
    # The same way by the haversine formula, along the middle latitude.
    middle = math.radians(seen.shown.middle)
    turn = math.radians(pixels / seen.across)
    walked = 2 * 6371.0088 * math.asin(math.cos(middle) * math.sin(turn / 2))
    assert walked == pytest.approx(length, rel=0.001)


def test_a_map_of_the_world_stays_small() -> None:
    picture = density([Cell(46.5, 13.5, 3)], Grid(1, EXTENTS["the world"]), WORDS, Look())
    assert len(picture.svg()) < 90_000


def test_a_lone_record_is_seen_and_a_zero_is_hollow() -> None:
    cells = [Cell(46.5, 13.5, 3), Cell(10.5, 100.5, 0)]
    root = ET.fromstring(density(cells, Grid(1, EXTENTS["the world"]), WORDS, Look()).svg())
    found = [element for element in root.iter() if "data-value" in element.attrib]
    assert [element.attrib["data-value"] for element in found] == ["3", "0"]
    assert all(float(element.attrib["r"]) >= 3.5 for element in found)
    title = found[0].findtext("{http://www.w3.org/2000/svg}title") or ""
    assert re.fullmatch(r"46\.5°\sN, 13\.5°\sE: 3", title)


def spots(root: ET.Element) -> list[ET.Element]:
    """The mark of a small map in a corner: the one of its colour."""
    return [element for element in root.iter() if element.get("fill") == Look().inks["s1"]]


def test_a_map_of_a_park_tells_where_in_the_world_it_is() -> None:
    park = [Cell(46.365, 13.835, 1)]
    extent = Extent(13.83, 46.36, 13.84, 46.37)
    assert spots(ET.fromstring(density(park, Grid(0.01, extent), WORDS, Look()).svg()))
    assert not spots(ET.fromstring(density(park, Grid(0.01, extent), WORDS, Look(320, 200)).svg()))
    assert not spots(ET.fromstring(density(park, Grid(0.01, EXTENTS["the world"]), WORDS, Look()).svg()))


def test_no_cell_is_covered_to_tell_where_it_is() -> None:
    everywhere = [Cell(46 + i / 10 + 0.05, 13 + j / 10 + 0.05, 1) for i in range(10) for j in range(20)]
    grid = Grid(0.1, Extent(13, 46, 15, 47), exact=True)
    assert not spots(ET.fromstring(density(everywhere, grid, WORDS, Look()).svg()))
    corner = [cell for cell in everywhere if cell.latitude < 46.5 or cell.longitude < 14]
    assert spots(ET.fromstring(density(corner, grid, WORDS, Look()).svg()))
