"""The day: bars for one species, a row of shades for each of several. Knows values, not their source."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from api.draw.frame import (
    Box,
    Scale,
    gutter,
    measure,
    nice_ticks,
    nothing,
    surround,
    value_grid,
    value_scale,
)
from api.draw.heat import TITLED, Tile, draw_frames, draw_tiles, edges, lattice, legend, shares
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import Sheet
from api.draw.words import THIN, Words, and_more, canonical, clean, fit, number, width
from api.speech import _

HOURS = 24
_SHARES = shares((0, 2, 5, 10, 20))  # of an even day each hour would have four per cent


@dataclass(frozen=True)
class Rhythm:
    """One species: a value for each hour (0 to 23) in which somebody recorded; `italic` for Latin."""

    name: str
    hours: tuple[tuple[int, float], ...]
    italic: bool = False

    @property
    def total(self) -> float:
        """All hours together."""
        return math.fsum(value for _, value in self.hours)


def diel(rhythms: Sequence[Rhythm], words: Words, look: Look) -> Picture:
    """One rhythm as bars counted from 0. Several are rows, each shaded by its own total: so they compare."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if not any(rhythm.hours for rhythm in rhythms):
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    elif len(rhythms) == 1:
        _bars(sheet, area, rhythms[0], words)
    else:
        _rows(sheet, area, rhythms, words)
    return Picture(sheet, words)


def _bars(sheet: Sheet, area: Box, rhythm: Rhythm, words: Words) -> None:
    look, name = sheet.look, clean(rhythm.name)
    what = _("%(measure)s per hour of the day, local time", measure=words.measure)
    what = what if name in words.title + words.subtitle else _("%(name)s: %(what)s", name=name, what=what)
    top, bottom = (
        measure(sheet, replace(words, measure=what), area.top),
        area.bottom - look.size("label") * 1.6,
    )
    values = [value for _, value in rhythm.hours]
    ticks = nice_ticks(values, max(2, min(6, int((bottom - top) / (3.2 * look.size("label"))))))
    box = Box(area.left + gutter(sheet, ticks), top, area.right, bottom)
    up = value_scale(ticks, values, top, bottom)
    value_grid(sheet, box, up, ticks)
    across = Scale(0, HOURS, box.left, box.right)
    _name_hours(sheet, [across(hour) for hour in range(HOURS + 1)], bottom + look.size("label") * 1.45)
    with sheet.group("series", name):
        for hour, value in rhythm.hours:
            left, right = across(hour + 0.09), across(hour + 0.91)
            # What was looked for and not found is a line on the ground; where nobody looked there is none.
            head = up(value) if value else bottom - 2 * look.unit
            ink = "s0" if value else "axis"
            sheet.block(
                left, head, right - left, bottom - head, ink, _named(rhythm, hour, value, titled=True)
            )


def _rows(sheet: Sheet, area: Box, rhythms: Sequence[Rhythm], words: Words) -> None:
    look, size = sheet.look, sheet.look.size("label")
    seen = {hour for rhythm in rhythms for hour, _ in rhythm.hours}
    zeros = any(value <= 0 for rhythm in rhythms for _, value in rhythm.hours)
    what = _("share of each row\u2019s %(measure)s", measure=words.measure)
    top = legend(sheet, what, _SHARES, area.top, gaps=len(seen) < HOURS, zeros=zeros, partial=False)
    top += size * 1.7
    fits = max(1, int((area.bottom - top) / (size * 1.3)))
    shown = rhythms if len(rhythms) <= fits else rhythms[: max(1, fits - 1)]
    names = max(width(name, size) for name in (*(clean(rhythm.name) for rhythm in shown), _("local time")))
    tails = max(width(text, size) for text in (*(number(rhythm.total) for rhythm in shown), _("total")))
    left = area.left + min(0.3 * area.wide, names) + 9 * look.unit
    xs = edges(left, area.right - tails - 9 * look.unit, HOURS)
    ys = edges(top, area.bottom - (size * 1.3 if len(shown) < len(rhythms) else 0), len(shown), 3.2 * size)
    _name_hours(sheet, xs, top - size * 0.55)
    sheet.text(left - 9 * look.unit, top - size * 0.55, _("local time"), size, "muted", align="right")
    sheet.text(xs[-1] + 9 * look.unit, top - size * 0.55, _("total"), size, "muted")
    sheet.block(xs[0], ys[0], xs[-1] - xs[0], ys[-1] - ys[0], "grid")
    titled = len(shown) * len(seen) <= TITLED
    tiles: list[Tile] = []
    for rhythm, top, bottom in zip(shown, ys, ys[1:], strict=False):
        tiles += _row(sheet, rhythm, xs, top, bottom, titled=titled)
    lattice(sheet, xs, ys)
    draw_frames(sheet, tiles)
    if len(shown) < len(rhythms):
        more = and_more(len(rhythms) - len(shown))
        sheet.text(left, ys[-1] + size * 1.15, more, size, "muted")


def _row(
    sheet: Sheet, rhythm: Rhythm, xs: Sequence[float], top: float, bottom: float, *, titled: bool
) -> list[Tile]:
    """Its name, its hours, its total; gives the cells."""
    look, size, name = sheet.look, sheet.look.size("label"), clean(rhythm.name)
    base, aside = (top + bottom) / 2 + size * 0.35, 9 * look.unit
    short = fit(name, size, xs[0] - look.pad - aside + 1)
    sheet.text(xs[0] - aside, base, short, size, align="right", italic=rhythm.italic)
    sheet.text(xs[-1] + aside, base, number(rhythm.total), size, "muted")
    tiles = [
        Tile(
            Box(xs[hour], top, xs[hour + 1], bottom),
            value,
            value / rhythm.total * 100 if rhythm.total else 0,
            _named(rhythm, hour, value, titled=titled),
        )
        for hour, value in rhythm.hours
    ]
    with sheet.group("series", name):
        draw_tiles(sheet, tiles, _SHARES)
    return tiles


def _name_hours(sheet: Sheet, xs: Sequence[float], y: float) -> None:
    """00 to 23 over or under the middle of their columns, as many as fit."""
    size = sheet.look.size("label")
    step = (xs[-1] - xs[0]) / HOURS
    every = next(
        every for every in (1, 2, 3, 6, 12, 24) if every * step >= width("00", size) * 1.5 or every == 24
    )
    for hour in range(0, HOURS, every):
        sheet.text((xs[hour] + xs[hour + 1]) / 2, y, f"{hour:02}", size, "muted", align="center")


def _named(rhythm: Rhythm, hour: int, value: float, *, titled: bool) -> Named:
    name = clean(rhythm.name)
    attributes = (("data-hour", str(hour)), ("data-species", name), ("data-value", canonical(value)))
    share = f" ({number(round(value / rhythm.total * 100))}{THIN}%)" if rhythm.total else ""
    first, last = f"{hour:02}:00", f"{(hour + 1) % 24:02}:00"
    hours = _("%(first)s to %(last)s", first=first, last=last)
    title = f"{name}, {hours}: {number(value)}{share}"
    return Named(attributes, title if titled else "")
