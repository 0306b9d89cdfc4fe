"""The calendar: a cell for each day, weeks across, years down. Knows values, not where they come from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.draw.frame import Box, nothing, surround
from api.draw.heat import Tile, draw_frames, draw_tiles, edges, lattice, legend, shades
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import GAP, Sheet
from api.draw.times import month_width
from api.draw.words import BOLD, Words, canonical, clean, number, so_far, width
from api.speech import months, ngettext, weekdays

TITLED = 1200  # three years of days: whom the pointer rests on is what people ask of a calendar
_LOWEST = 3  # pixels of a day's cell


@dataclass(frozen=True)
class Day:
    """One day that has a record or an absence; `partial` while it is under way."""

    when: date
    value: float
    partial: bool = False


def calendar(days: Sequence[Day], name: str, words: Words, look: Look) -> Picture:
    """The years that have days, the newest first, as many as fit; a last line counts the others.

    `name` is what was counted. A day without a value is grey, one with 0 an empty frame.
    """
    sheet = Sheet(look)
    area = surround(sheet, words)
    if days:
        _draw(sheet, area, days, clean(name), words)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    return Picture(sheet, words)


def _draw(sheet: Sheet, area: Box, days: Sequence[Day], name: str, words: Words) -> None:
    look, size = sheet.look, sheet.look.size("label")
    years = sorted({day.when.year for day in days}, reverse=True)
    scale = shades(day.value for day in days)
    zeros, partial = any(day.value <= 0 for day in days), any(day.partial for day in days)
    top = legend(sheet, words.measure, scale, area.top, gaps=True, zeros=zeros, partial=partial) + size * 1.7
    apart = 8 * look.unit
    fits = max(1, int((area.bottom - top + apart) / (7 * _LOWEST + apart)))
    shown = years if len(years) <= fits else years[: max(1, fits - 1)]
    bottom = area.bottom - (size * 1.3 if len(shown) < len(years) else 0)
    high = (bottom - top + apart) / len(shown) - apart
    left = area.left + width("0000", size) * BOLD + 8 * look.unit
    named = high / 7 >= 0.75 * size
    left += _widest_day(look) + 5 * look.unit if named else 0
    xs = edges(left, area.right, max(map(_weeks, shown)))
    high = min(high, 7 * max(1.5 * (xs[1] - xs[0]), float(_LOWEST)))
    _name_months(sheet, shown[0], xs, top - size * 0.55)
    titled = sum(day.when.year in shown for day in days) <= TITLED
    with sheet.group("series", name):
        for index, year in enumerate(shown):
            start = top + index * (high + apart)
            ys = edges(start, start + high, 7)
            _name_rows(sheet, year, left, ys, named=named)
            _background(sheet, year, xs, ys)
            tiles = [
                Tile(
                    _cell(day.when, xs, ys),
                    day.value,
                    day.value,
                    _named(day, name, titled=titled),
                    day.partial,
                )
                for day in days
                if day.when.year == year
            ]
            draw_tiles(sheet, tiles, scale)
            lattice(sheet, xs, ys)
            _part_months(sheet, year, xs, ys)
            draw_frames(sheet, tiles)
    if len(shown) < len(years):
        rest = _earlier(len(years) - len(shown))
        sheet.text(area.left, top + len(shown) * (high + apart) - apart + size * 1.3, rest, size, "muted")


def _widest_day(look: Look) -> float:
    return max(width(name, look.size("small")) for name in weekdays()[::2])


def _earlier(years: int) -> str:
    return ngettext("and %(num)s earlier years", "and %(num)s earlier years", years, num=number(years))


def _weeks(year: int) -> int:
    """How many columns a year takes: weeks begin on Monday, the first and the last may be cut."""
    return _place(date(year, 12, 31))[0] + 1


def _place(day: date) -> tuple[int, int]:
    """Column and row of a day within its year."""
    first = date(day.year, 1, 1)
    return ((day - first).days + first.weekday()) // 7, day.weekday()


def _cell(day: date, xs: Sequence[float], ys: Sequence[float]) -> Box:
    column, row = _place(day)
    return Box(xs[column], ys[row], xs[column + 1], ys[row + 1])


def _background(sheet: Sheet, year: int, xs: Sequence[float], ys: Sequence[float]) -> None:
    """The grey of days without a record: the year's own outline, ragged where its weeks are cut."""
    (_, head), (last, tail) = _place(date(year, 1, 1)), _place(date(year, 12, 31))
    outline = [
        (xs[1], ys[0]), (xs[last + 1], ys[0]), (xs[last + 1], ys[tail + 1]), (xs[last], ys[tail + 1]),
        (xs[last], ys[7]), (xs[0], ys[7]), (xs[0], ys[head]), (xs[1], ys[head]),
    ]  # fmt: skip
    sheet.area([outline], "grid")


def _part_months(sheet: Sheet, year: int, xs: Sequence[float], ys: Sequence[float]) -> None:
    """Wider gaps between the last day of a month and the first of the next."""
    across: list[float] = []
    down: list[float] = []
    for month in range(2, 13):
        column, row = _place(date(year, month, 1))
        across += [xs[column + 1], xs[column + 1], xs[column], xs[column], GAP]
        down += [ys[0], ys[row], ys[row], ys[7], GAP]
    sheet.line(across, down, "paper", 3 * sheet.look.unit if xs[1] - xs[0] >= 8 else 1.6)


def _name_months(sheet: Sheet, year: int, xs: Sequence[float], y: float) -> None:
    """The months over their middle."""
    size = sheet.look.size("label")
    long = 4 * (xs[1] - xs[0]) > month_width(size) + 2
    first, step = date(year, 1, 1), (xs[-1] - xs[0]) / (len(xs) - 1)
    for index, name in enumerate(months()):
        weeks = ((date(year, index + 1, 16) - first).days + first.weekday()) / 7
        middle = xs[0] + weeks * step
        sheet.text(middle, y, name if long else name[0], size, "muted", align="center")


def _name_rows(sheet: Sheet, year: int, left: float, ys: Sequence[float], *, named: bool) -> None:
    look, size = sheet.look, sheet.look.size("label")
    base = (ys[0] + ys[1]) / 2 if named else (ys[0] + ys[7]) / 2
    sheet.text(look.pad, base + size * 0.35, str(year), size, "ink", bold=True)
    small = look.size("small")
    for row in range(0, 7, 2) if named else ():
        middle, name = (ys[row] + ys[row + 1]) / 2, weekdays()[row]
        sheet.text(left - 5 * look.unit, middle + small * 0.35, name, small, "muted", align="right")


def _named(day: Day, name: str, *, titled: bool) -> Named:
    label = day.when.isoformat()
    attributes = [("data-date", label), ("data-species", name), ("data-value", canonical(day.value))]
    if day.partial:
        attributes.append(("data-partial", "true"))
    told = f"{name}, {label}: {number(day.value)}"
    told = so_far(told) if day.partial else told
    return Named(tuple(attributes), told if titled else "")
