"""One year by weeks over what is usual: a bold line over a quiet band. Knows values, not their source."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from api.draw.frame import Box, Scale, gutter, nice_ticks, nothing, surround, value_grid, value_scale
from api.draw.heat import PALE, key_line
from api.draw.labels import Key
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.series import Line, Point, draw_line, place
from api.draw.sheet import GAP, Sheet
from api.draw.times import moment, month_width
from api.draw.words import Words, canonical, clean, number
from api.speech import _, months, per


@dataclass(frozen=True)
class Week:
    """One week of the year that is shown; `partial` while it is under way."""

    week: int
    value: float
    partial: bool = False


@dataclass(frozen=True)
class Usual:
    """What was recorded in this week of the earlier years that have a record in it."""

    week: int
    low: float
    median: float
    high: float


@dataclass(frozen=True)
class Year:
    """The year that is shown and what of the earlier ones it lies over; `band` says what low and high are.

    One earlier year has no band: its weeks are all three at once.
    """

    year: int
    weeks: tuple[Week, ...]
    usual: tuple[Usual, ...] = ()
    band: str = ""
    earlier: str = ""
    """Which years these are: 2019 to 2023."""


def phenology(shown: Year | None, name: str, words: Words, look: Look) -> Picture:
    """The weeks of a year from the first to the last, months under them; `name` is what was counted."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if shown and shown.weeks:
        _draw(sheet, area, shown, clean(name), words)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    return Picture(sheet, words)


def _draw(sheet: Sheet, area: Box, shown: Year, name: str, words: Words) -> None:
    size = sheet.look.size("label")
    keys = [Key(str(shown.year), "s0", "o")]
    if shown.band:
        band = _("%(band)s of %(years)s", band=shown.band, years=shown.earlier)
        keys += [Key(band, "r2", "pale"), Key(_("median"), "muted", "-")]
    elif shown.usual:
        keys.append(Key(shown.earlier, "muted", "-"))
    what = _("%(records)s %(per_interval)s", records=words.measure, per_interval=per("week"))
    what = what if words.measure else ""
    top, bottom = key_line(sheet, what, keys, area.top) + size * 0.6, area.bottom - size * 1.6
    values = [*(week.value for week in shown.weeks), *(week.high for week in shown.usual)]
    ticks = nice_ticks(values, max(2, min(6, int((bottom - top) / (3.2 * size)))))
    box = Box(area.left + gutter(sheet, ticks), top, area.right, bottom)
    up = value_scale(ticks, values, top, bottom)
    value_grid(sheet, box, up, ticks)
    last = max([52, *(one.week for one in shown.weeks), *(one.week for one in shown.usual)])
    first = _monday(shown.year)
    across = Scale(moment(first), moment(first) + 7 * last, box.left, box.right)
    _months(sheet, shown.year, across, box)
    _usual(sheet, shown, across, up)
    line = Line(name, _points(shown))
    draw_line(sheet, line, place(line, across, up), 0, 1, marked=True)


def _monday(year: int) -> date:
    return date.fromisocalendar(year, 1, 1)


def _points(shown: Year) -> tuple[Point, ...]:
    """The weeks at their Thursdays, which tell the year that a week belongs to; gaps between them."""
    weeks = {week.week: week for week in shown.weeks}
    thursday = _monday(shown.year) + timedelta(3)
    return tuple(
        Point(
            f"{shown.year:04}-W{number:02}",
            thursday + timedelta(7 * (number - 1)),
            weeks[number].value if number in weeks else None,
            number in weeks and weeks[number].partial,
        )
        for number in range(min(weeks), max(weeks) + 1)
    )


def _months(sheet: Sheet, year: int, across: Scale, box: Box) -> None:
    """The months of the year at their middle, ticks where they begin."""
    size = sheet.look.size("label")
    xs: list[float] = []
    long = box.wide / 12 > month_width(size) + 2
    for index, name in enumerate(months()):
        start = max(box.left, across(moment(date(year, index + 1, 1))))
        end = min(box.right, across(moment(date(year, index + 1, 28)) + 3))
        sheet.text((start + end) / 2, box.bottom + size * 1.45, name if long else name[0], size, "muted",
                   align="center")  # fmt: skip
        xs += [start, start, GAP]
    sheet.line(xs, [box.bottom, box.bottom + 4 * sheet.look.unit, GAP] * 12, "axis", 1)


def _usual(sheet: Sheet, shown: Year, across: Scale, up: Scale) -> None:
    """The band and its median in steps of a week, broken where no earlier year has a record."""
    first, unit = moment(_monday(shown.year)), sheet.look.unit
    outlines: list[list[tuple[float, float]]] = []
    xs: list[float] = []
    ys: list[float] = []
    for run in _runs(shown.usual):
        sides = [(across(first + 7 * (one.week - 1)), across(first + 7 * one.week), one) for one in run]
        upper = [(x, up(one.high)) for left, right, one in sides for x in (left, right)]
        lower = [(x, up(one.low)) for left, right, one in reversed(sides) for x in (right, left)]
        outlines.append(upper + lower)
        xs += [x for left, right, _one in sides for x in (left, right)] + [GAP]
        ys += [up(one.median) for *_sides, one in sides for _again in range(2)] + [GAP]
    if outlines:
        sheet.area(outlines, "r2", alpha=PALE)
        sheet.line(xs, ys, "muted", 1.1 * unit)
    places = [across(first + 7 * one.week - 3.5) for one in shown.usual]
    if places:
        heights = [up(one.median) for one in shown.usual]
        sheet.targets(places, heights, 8 * unit, [_told(one, shown) for one in shown.usual])


def _runs(usual: Sequence[Usual]) -> list[list[Usual]]:
    """Weeks that follow each other."""
    runs: list[list[Usual]] = []
    for one in usual:
        if runs and runs[-1][-1].week == one.week - 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return runs


def _told(one: Usual, shown: Year) -> Named:
    attributes = (
        ("data-week", str(one.week)), ("data-low", canonical(one.low)),
        ("data-median", canonical(one.median)), ("data-high", canonical(one.high)),
    )  # fmt: skip
    told = _(
        "Week %(week)s of %(years)s: median %(median)s, %(low)s to %(high)s",
        week=one.week,
        years=shown.earlier,
        median=number(one.median),
        low=number(one.low),
        high=number(one.high),
    )
    return Named(attributes, told)
