"""The small map in a corner of a large-scale one: where in the world that is. Knows no records."""

from collections.abc import Sequence

from api.draw import ground
from api.draw.frame import Box
from api.draw.projection import Extent, View, view
from api.draw.sheet import Sheet

_LOCAL = 4.0  # degrees of latitude: of more, coasts and borders tell where it is
_AROUND = 14.0  # degrees of latitude to either side
_SHARE = 0.34  # of the map's height
_LEAST = 60.0  # pixels of height, below which nothing can be made out


def inset(sheet: Sheet, seen: View, taken: Sequence[Box]) -> None:
    """Draw it where nothing is taken; none where no corner is free, or it would be too small to read."""
    high = _SHARE * seen.box.high
    if seen.shown.north - seen.shown.south > _LOCAL or high < _LEAST:
        return
    corner = next(
        (box for box in _corners(seen.box, high) if not any(_meet(box, one) for one in taken)), None
    )
    if corner is None:
        return
    longitude, latitude = (seen.shown.west + seen.shown.east) / 2, seen.shown.middle
    around = Extent(longitude, latitude - _AROUND, longitude, latitude + _AROUND)
    small = view(around, corner, exact=False)
    sheet.block(corner.left, corner.top, corner.wide, corner.high, "paper")
    ground.land(sheet, small)
    ground.borders(sheet, small, "rest")
    ground.edge(sheet, corner)
    x, y = small.x(small.turned(longitude)), small.y(latitude)
    sheet.marks([x], [y], "s1", "s", 6 * sheet.look.unit)


def _corners(box: Box, high: float) -> list[Box]:
    """The places for it, the best first: in the upper right, the upper left, then below."""
    wide = min(1.3 * high, 0.3 * box.wide)
    return [
        Box(left, top, left + wide, top + high)
        for top in (box.top, box.bottom - high)
        for left in (box.right - wide, box.left)
    ]


def _meet(one: Box, other: Box) -> bool:
    across = one.left < other.right and other.left < one.right
    return across and one.top < other.bottom and other.top < one.bottom
