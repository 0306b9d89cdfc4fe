"""The map: cells shaded by how much was recorded in them, on land and borders. Knows no species."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from api.draw.classes import classes
from api.draw.coast import world
from api.draw.frame import Box, nothing, surround
from api.draw.legend import Head, hollow, inks, keys
from api.draw.look import Look
from api.draw.named import Named
from api.draw.outlines import drawn, filled
from api.draw.picture import Picture
from api.draw.projection import Extent, View, ticks, view, written
from api.draw.sheet import GAP, Sheet
from api.draw.words import Words, canonical, clean, number, width

_FEW, _SMALL = 30, 7  # so few cells that are so small, in pixels, are drawn as dots
_ROOMY = 70  # pixels of height that a map needs to have degrees beside it


@dataclass(frozen=True)
class Cell:
    """A square of the grid: its middle in degrees, and what was counted in it."""

    latitude: float
    longitude: float
    value: float


@dataclass(frozen=True)
class Grid:
    """The size of a cell in degrees, what the cells cover, and whether nothing beyond it was asked for."""

    size: float
    extent: Extent
    exact: bool = False


def density(cells: Sequence[Cell], grid: Grid, words: Words, look: Look) -> Picture:
    """Cells from little to much; one of 0 is hollow: somebody looked there, and saw none."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if not cells:
        nothing(sheet, area)
        return Picture(sheet, words)
    positive = [cell.value for cell in cells if cell.value > 0]
    scale = classes(positive) if positive else None
    head = Head(sheet, area, clean(words.measure, 80), keys(scale, zeros=len(positive) < len(cells)))
    roomy = area.bottom - head.bottom >= _ROOMY * look.unit
    seen = view(grid.extent, _room(sheet, area, head.bottom, grid, roomy=roomy), exact=grid.exact)
    _ground(sheet, seen)
    shades = inks(scale) if scale else []
    inked = [shades[scale.of(cell.value)] if scale and cell.value > 0 else "" for cell in cells]
    few = len(cells) <= _FEW and grid.size * min(seen.across, seen.up) < _SMALL * look.unit
    borders = drawn(world().borders, seen)
    if few:
        _lines(sheet, borders, "axis", 0.6 * look.unit)
    with sheet.group("cells", clean(words.measure, 80)):
        for cell, ink in zip(cells, inked, strict=True):
            if few:
                _dot(sheet, seen, cell, ink)
            else:
                _square(sheet, seen, cell, ink, grid.size)
    if not few:
        _lines(sheet, borders, "axis", 0.6 * look.unit)
    _edge(sheet, seen.box)
    if roomy:
        _degrees(sheet, seen)
    head.draw(seen)
    return Picture(sheet, words)


def _room(sheet: Sheet, area: Box, top: float, grid: Grid, *, roomy: bool) -> Box:
    """What is left for the map below its head and, where it is large enough, beside round degrees."""
    if not roomy:
        return Box(area.left, top, area.right, max(top + 1, area.bottom))
    size = sheet.look.size("small")
    widest = "00.00\N{DEGREE SIGN} N" if grid.size < 0.02 else "00.0\N{DEGREE SIGN} N"
    return Box(area.left + width(widest, size) + 0.6 * size, top, area.right, area.bottom - 1.7 * size)


def _ground(sheet: Sheet, seen: View) -> None:
    """Land in a quiet ink with a thin coast; the sea is paper."""
    outlines = filled(world().land, seen)
    if outlines:
        # Where the map's edge closes an outline, its own line will cover the coast's.
        coast = "rest", 0.7 * sheet.look.unit
        sheet.area([outline.tolist() for outline in outlines], "grid", edge=coast)


def _lines(sheet: Sheet, lines: Iterable[Any], ink: str, thick: float) -> None:
    xs: list[float] = []
    ys: list[float] = []
    for line in lines:
        xs += [*line[:, 0].tolist(), GAP]
        ys += [*line[:, 1].tolist(), GAP]
    if xs:
        sheet.line(xs, ys, ink, thick)


def _named(cell: Cell) -> Named:
    told = (
        ("data-latitude", canonical(cell.latitude)),
        ("data-longitude", canonical(cell.longitude)),
        ("data-value", canonical(cell.value)),
    )
    where = f"{_exact(cell.latitude, 'NS')}, {_exact(cell.longitude, 'EW')}"
    return Named(told, f"{where}: {number(cell.value)}")


def _exact(degrees: float, letters: str) -> str:
    decimals = len(canonical(degrees).partition(".")[2])
    return written(degrees, decimals, letters)


def _dot(sheet: Sheet, seen: View, cell: Cell, ink: str) -> None:
    x, y = seen.x(seen.turned(cell.longitude)), seen.y(cell.latitude)
    unit = sheet.look.unit
    sheet.marks([x], [y], ink or "axis", "o", (_SMALL + 1) * unit, hollow=not ink, names=[_named(cell)])


def _square(sheet: Sheet, seen: View, cell: Cell, ink: str, size: float) -> None:
    """A cell, cut off at the edge of the map; the world's seam is never inside of one."""
    middle, box = seen.turned(cell.longitude), seen.box
    left, right = seen.x(middle - size / 2), seen.x(middle + size / 2)
    top, bottom = seen.y(cell.latitude + size / 2), seen.y(cell.latitude - size / 2)
    if left >= box.right or right <= box.left or top >= box.bottom or bottom <= box.top:
        return
    square = Box(max(left, box.left), max(top, box.top), min(right, box.right), min(bottom, box.bottom))
    if ink:
        sheet.block(square.left, square.top, square.wide, square.high, ink, _named(cell))
    else:
        sheet.block(square.left, square.top, square.wide, square.high, "paper", _named(cell))
        hollow(sheet, square)


def _edge(sheet: Sheet, box: Box) -> None:
    xs = [box.left, box.right, box.right, box.left, box.left]
    sheet.line(xs, [box.top, box.top, box.bottom, box.bottom, box.top], "axis", 1)


def _degrees(sheet: Sheet, seen: View) -> None:
    """Round degrees along two sides of the map."""
    box, shown, size = seen.box, seen.shown, sheet.look.size("small")
    tick = 0.35 * size
    xs: list[float] = []
    ys: list[float] = []
    meridians, decimals = ticks(shown.west, shown.east, int(box.wide / (5.5 * size)))
    for longitude in meridians:
        x, label = seen.x(longitude), written(longitude, decimals, "EW")
        xs += [x, x, GAP]
        ys += [box.bottom, box.bottom + tick, GAP]
        sheet.text(x, box.bottom + 1.5 * size, label, size, "muted", align="center")
    parallels, decimals = ticks(shown.south, shown.north, int(box.high / (2.8 * size)))
    for latitude in parallels:
        y, label = seen.y(latitude), written(latitude, decimals, "NS")
        xs += [box.left - tick, box.left, GAP]
        ys += [y, y, GAP]
        sheet.text(box.left - 1.7 * tick, y + 0.35 * size, label, size, "muted", align="right")
    if xs:
        sheet.line(xs, ys, "axis", 1)
