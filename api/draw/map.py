"""The map: cells shaded by how much was recorded in them, on land and borders. Knows no species."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.draw import ground
from api.draw.classes import Classes, classes
from api.draw.frame import Box, nothing, surround
from api.draw.inset import inset
from api.draw.legend import Head, inks, keys
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.projection import Extent, View, view, written
from api.draw.sheet import Sheet
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
    if cells:
        _draw(sheet, area, cells, grid, words)
    else:
        nothing(sheet, area)
    return Picture(sheet, words)


def _draw(sheet: Sheet, area: Box, cells: Sequence[Cell], grid: Grid, words: Words) -> None:
    positive = [cell.value for cell in cells if cell.value > 0]
    scale = classes(positive) if positive else None
    head = Head(sheet, area, clean(words.measure, 80), keys(scale, zeros=len(positive) < len(cells)))
    roomy = area.bottom - head.bottom >= _ROOMY * sheet.look.unit
    seen = view(grid.extent, _room(sheet, area, head.bottom, grid, roomy=roomy), exact=grid.exact)
    ground.land(sheet, seen)
    _cells(sheet, seen, cells, grid.size, scale, clean(words.subtitle) or "all")
    if roomy:
        ground.degrees(sheet, seen)
        inset(sheet, seen, [_square(seen, cell, grid.size) for cell in cells])
    ground.edge(sheet, seen.box)
    if grid.exact:  # a sliver is shown with some of its surroundings, in which nobody looked
        ground.edge(sheet, seen.pixels(grid.extent))
    head.draw(seen)


def _room(sheet: Sheet, area: Box, top: float, grid: Grid, *, roomy: bool) -> Box:
    """What is left for the map below its head and, where it is large enough, beside round degrees."""
    if not roomy:
        return Box(area.left, top, area.right, max(top + 1, area.bottom))
    size = sheet.look.size("small")
    widest = "00.00\N{DEGREE SIGN} N" if grid.size < 0.02 else "00.0\N{DEGREE SIGN} N"
    return Box(area.left + width(widest, size) + 0.6 * size, top, area.right, area.bottom - 1.7 * size)


def _cells(
    sheet: Sheet, seen: View, cells: Sequence[Cell], size: float, scale: Classes | None, name: str
) -> None:
    """Squares below the borders; or dots, where squares would be lost, above them."""
    shades = inks(scale) if scale else []
    few = len(cells) <= _FEW and size * min(seen.across, seen.up) < _SMALL * sheet.look.unit
    if few:
        ground.borders(sheet, seen, "axis")
    with sheet.group("cells", name):
        for cell in cells:
            rank = scale.of(cell.value) if scale and cell.value > 0 else -1
            ink = shades[rank] if rank >= 0 else ""
            if few:
                _draw_dot(sheet, seen, cell, ink, rank)
            else:
                _draw_square(sheet, _square(seen, cell, size), cell, ink)
    if not few:
        ground.borders(sheet, seen, "axis")


def _named(cell: Cell) -> Named:
    told = (
        ("data-latitude", canonical(cell.latitude)),
        ("data-longitude", canonical(cell.longitude)),
        ("data-value", canonical(cell.value)),
    )
    where = f"{_exact(cell.latitude, 'NS')}, {_exact(cell.longitude, 'EW')}"
    return Named(told, f"{where}: {number(cell.value)}")


def _exact(degrees: float, letters: str) -> str:
    return written(degrees, len(canonical(degrees).partition(".")[2]), letters)


def _square(seen: View, cell: Cell, size: float) -> Box:
    """A cell in pixels, cut off at the edge of the map; the world's seam is never inside of one."""
    middle, box = seen.turned(cell.longitude), seen.box
    left, right = seen.x(middle - size / 2), seen.x(middle + size / 2)
    top, bottom = seen.y(cell.latitude + size / 2), seen.y(cell.latitude - size / 2)
    return Box(max(left, box.left), max(top, box.top), min(right, box.right), min(bottom, box.bottom))


def _draw_square(sheet: Sheet, box: Box, cell: Cell, ink: str) -> None:
    # Of a cell that only touches the edge of a box that was asked for, nothing is left: its name is.
    wide, high = max(box.wide, 0.0), max(box.high, 0.0)
    sheet.block(box.left, box.top, wide, high, ink or "paper", _named(cell))
    if not ink:
        ground.edge(sheet, box)


def _draw_dot(sheet: Sheet, seen: View, cell: Cell, ink: str, rank: int) -> None:
    """A dot of its class's ink, and a little larger than those of lower classes: size is the second cue."""
    x, y = seen.x(seen.turned(cell.longitude)), seen.y(cell.latitude)
    size = (_SMALL + 2 + rank) * sheet.look.unit
    sheet.marks([x], [y], ink or "axis", "o", size, hollow=not ink, names=[_named(cell)])
