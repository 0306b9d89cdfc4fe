"""What a map stands on: land, borders, its edge, round degrees beside it. Knows no records."""

from api.draw.coast import world
from api.draw.frame import Box
from api.draw.outlines import drawn, filled
from api.draw.projection import View, ticks, written
from api.draw.sheet import GAP, Sheet

_MOST = 6  # steps of degrees along a side: they tell where, and are not what is looked at


def land(sheet: Sheet, seen: View) -> None:
    """Land in a quiet ink with a thin coast; the sea is paper."""
    outlines = filled(world().land, seen)
    if outlines:
        # Where the map's edge closes an outline, its own line will cover the coast's.
        coast = "rest", 0.7 * sheet.look.unit
        sheet.area([outline.tolist() for outline in outlines], "grid", edge=coast)


def borders(sheet: Sheet, seen: View, ink: str) -> None:
    """Borders as hairlines, all of them one line with gaps."""
    xs: list[float] = []
    ys: list[float] = []
    for line in drawn(world().borders, seen):
        xs += [*line[:, 0].tolist(), GAP]
        ys += [*line[:, 1].tolist(), GAP]
    if xs:
        sheet.line(xs, ys, ink, 0.6 * sheet.look.unit)


def edge(sheet: Sheet, box: Box) -> None:
    """The line around a map, a cell or a key."""
    xs = [box.left, box.right, box.right, box.left, box.left]
    sheet.line(xs, [box.top, box.top, box.bottom, box.bottom, box.top], "axis", 1)


def degrees(sheet: Sheet, seen: View) -> None:
    """Round degrees along two sides of a map."""
    box, shown, size = seen.box, seen.shown, sheet.look.size("small")
    tick = 0.35 * size
    xs: list[float] = []
    ys: list[float] = []
    meridians, decimals = ticks(shown.west, shown.east, min(_MOST, int(box.wide / (5.5 * size))))
    for longitude in meridians:
        x, label = seen.x(longitude), written(longitude, decimals, "EW")
        xs += [x, x, GAP]
        ys += [box.bottom, box.bottom + tick, GAP]
        sheet.text(x, box.bottom + 1.5 * size, label, size, "muted", align="center")
    parallels, decimals = ticks(shown.south, shown.north, min(_MOST, int(box.high / (2.8 * size))))
    for latitude in parallels:
        y, label = seen.y(latitude), written(latitude, decimals, "NS")
        xs += [box.left - tick, box.left, GAP]
        ys += [y, y, GAP]
        sheet.text(box.left - 1.7 * tick, y + 0.35 * size, label, size, "muted", align="right")
    if xs:
        sheet.line(xs, ys, "axis", 1)
