"""The seasons: months across, years down, a shade for each month. Knows values, not where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.frame import Box, nothing, surround
from api.draw.heat import (
    TITLED,
    Tile,
    draw_frames,
    draw_tiles,
    edges,
    lattice,
    legend,
    shades,
    write_values,
)
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import Sheet
from api.draw.times import month_width
from api.draw.words import Words, canonical, clean, number, so_far, width
from api.speech import date_in_words, months, ngettext

_EVERY = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)


@dataclass(frozen=True)
class Month:
    """One month that has a record or an absence; `partial` while it is under way."""

    year: int
    month: int
    value: float
    partial: bool = False


def seasonality(months: Sequence[Month], name: str, words: Words, look: Look) -> Picture:
    """A row for each year, the newest on top. Years too many for rows become columns, the newest last.

    `name` is what was counted. A month without a value is grey, one with 0 an empty frame.
    """
    sheet = Sheet(look)
    area = surround(sheet, words)
    if months:
        with sheet.group("series", clean(name)):
            _draw(sheet, area, months, clean(name), words)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    return Picture(sheet, words)


def _draw(sheet: Sheet, area: Box, months: Sequence[Month], name: str, words: Words) -> None:
    first, last = min(one.year for one in months), max(one.year for one in months)
    scale = shades(one.value for one in months)
    top = legend(
        sheet,
        words.measure,
        scale,
        area.top,
        gaps=len(months) < 12 * (last - first + 1),
        zeros=any(one.value <= 0 for one in months),
        partial=any(one.partial for one in months),
    )
    grid = _grid(sheet, Box(area.left, top, area.right, area.bottom), list(range(last, first - 1, -1)))
    shown = [month for month in months if month.year in grid.years]
    titled = len(shown) <= TITLED
    tiles = [
        Tile(grid.cell(one), one.value, one.value, _named(one, name, titled=titled), one.partial)
        for one in shown
    ]
    sheet.block(grid.xs[0], grid.ys[0], grid.xs[-1] - grid.xs[0], grid.ys[-1] - grid.ys[0], "grid")
    draw_tiles(sheet, tiles, scale)
    lattice(sheet, grid.xs, grid.ys)
    draw_frames(sheet, tiles)
    write_values(sheet, tiles, scale)


@dataclass(frozen=True)
class _Grid:
    """Where the cells lie: edges from left to right and from top to bottom, and which way the years run."""

    xs: list[float]
    ys: list[float]
    years: dict[int, int]
    down: bool

    def cell(self, one: Month) -> Box:
        """The cell of a month."""
        year, month = self.years[one.year], one.month - 1
        column, row = (month, year) if self.down else (year, month)
        return Box(self.xs[column], self.ys[row], self.xs[column + 1], self.ys[row + 1])


def _grid(sheet: Sheet, area: Box, years: Sequence[int]) -> _Grid:
    """Years down, or across where they would be too low for their names; the newest, if they are too many."""
    size = sheet.look.size("label")
    wide, high = area.wide - width("0000", size) - 8 * sheet.look.unit, area.high - size * 1.7
    shown = years[: max(1, int(max(wide, high)))]
    down = high / len(shown) >= min(0.7 * size, wide / len(shown))
    grid = (_down if down else _across)(sheet, area, shown)
    if len(shown) < len(years):
        earlier = _unseen(len(years) - len(shown))
        sheet.text(area.left, grid.ys[-1] + size * 1.3, earlier, size, "muted")
    return grid


def _unseen(years: int) -> str:
    return ngettext(
        "%(num)s earlier years have no room here",
        "%(num)s earlier years have no room here",
        years,
        num=number(years),
    )


def _down(sheet: Sheet, area: Box, years: Sequence[int]) -> _Grid:
    """Years down and months across, named above."""
    look, size = sheet.look, sheet.look.size("label")
    left = area.left + width("0000", size) + 8 * look.unit
    top = area.top + size * 1.7
    xs = edges(left, area.right, 12)
    ys = edges(top, area.bottom, len(years), most=max(3 * size, 1.25 * (xs[1] - xs[0])))
    long = xs[1] - xs[0] > month_width(size) + 2
    for index, month in enumerate(months()):
        middle = (xs[index] + xs[index + 1]) / 2
        sheet.text(middle, ys[0] - size * 0.55, month if long else month[0], size, "muted", align="center")
    every = _every((ys[-1] - ys[0]) / len(years), size * 1.2)
    for index, year in enumerate(years):
        if year % every == 0 or len(years) < every:
            middle = (ys[index] + ys[index + 1]) / 2
            sheet.text(left - 8 * look.unit, middle + size * 0.35, str(year), size, "muted", align="right")
    return _Grid(xs, ys, {year: index for index, year in enumerate(years)}, down=True)


def _across(sheet: Sheet, area: Box, years: Sequence[int]) -> _Grid:
    """Years across, named above, and months down."""
    look, size = sheet.look, sheet.look.size("label")
    low = (area.bottom - area.top - size * 1.7) / 12 < size
    left = area.left + (width("M", size) if low else month_width(size)) + 8 * look.unit
    shown = sorted(years)
    xs = edges(left, area.right, len(shown))
    ys = edges(area.top + size * 1.7, area.bottom, 12)
    every = _every((xs[-1] - xs[0]) / len(shown), width("0000", size) + size)
    for index, year in enumerate(shown):
        if year % every == 0:
            x = min((xs[index] + xs[index + 1]) / 2, area.right - width("0000", size) / 2)
            sheet.text(x, ys[0] - size * 0.55, str(year), size, "muted", align="center")
    for index, month in enumerate(months()):
        middle = (ys[index] + ys[index + 1]) / 2 + size * 0.35
        if not low or index % 3 == 0:
            text = month[0] if low else month
            sheet.text(left - 8 * look.unit, middle, text, size, "muted", align="right")
    return _Grid(xs, ys, {year: index for index, year in enumerate(shown)}, down=False)


def _every(step: float, needed: float) -> int:
    """Each how manieth year can be named if years are `step` apart."""
    return next((every for every in _EVERY if every * step >= needed), _EVERY[-1])


def _named(one: Month, name: str, *, titled: bool) -> Named:
    label = f"{one.year:04}-{one.month:02}"
    attributes = [("data-date", label), ("data-species", name), ("data-value", canonical(one.value))]
    if one.partial:
        attributes.append(("data-partial", "true"))
    told = f"{name}, {date_in_words(one.month, year=one.year)}: {number(one.value)}"
    title = so_far(told) if one.partial else told
    return Named(tuple(attributes), title if titled else "")
