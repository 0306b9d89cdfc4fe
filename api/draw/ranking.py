"""The ranking: horizontal bars from zero, name left, value right. Knows names and values, not species."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.frame import Box, measure, nothing, surround
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import Sheet
from api.draw.words import Words, and_more, canonical, clean, fit, number, width


@dataclass(frozen=True)
class Bar:
    """One row; `note` follows the value in small type, `italic` sets a scientific name."""

    name: str
    value: float
    note: str = ""
    italic: bool = False


def ranking(bars: Sequence[Bar], words: Words, look: Look) -> Picture:
    """Bars in the order given, as many as fit; a last line says how many more there are."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    bars = [bar for bar in bars if math.isfinite(bar.value)]
    if bars:
        _draw(sheet, area, bars, words)
    else:
        nothing(sheet, area)
    return Picture(sheet, words)


def _draw(sheet: Sheet, area: Box, bars: Sequence[Bar], words: Words) -> None:
    look, size = sheet.look, sheet.look.size("label")
    top = measure(sheet, words, area.top)
    room, least = area.bottom - top, size * 1.45
    fits = max(1, int(room / least))
    shown = bars if len(bars) <= fits else bars[: max(1, fits - 1)]
    rows = len(shown) + (len(shown) < len(bars))
    step = min(size * 3.2, room / rows)
    names = max(width(clean(bar.name), size) for bar in shown)
    left = area.left + min(0.38 * area.wide, names) + 10 * look.unit
    tails = max(width(_tail(bar), size) for bar in shown) + 8 * look.unit
    full = max(8.0, area.right - left - min(tails, 0.45 * (area.right - left)))
    most = max(max(bar.value for bar in shown), 0.0) or 1.0
    for index, bar in enumerate(shown):
        middle = top + step * (index + 0.5)
        _row(
            sheet,
            bar,
            Box(area.left, middle - step * 0.34, left, middle + step * 0.34),
            max(0.0, bar.value) / most * full,
            area.right,
        )
    sheet.line([left, left], [top, top + step * len(shown)], "axis", 1)
    if len(shown) < len(bars):
        more = and_more(len(bars) - len(shown))
        sheet.text(left, top + step * (rows - 0.5) + size * 0.35, more, size, "muted")


def _tail(bar: Bar) -> str:
    return f"{number(bar.value)}  {clean(bar.note)}" if bar.note else number(bar.value)


def _row(sheet: Sheet, bar: Bar, slot: Box, long: float, right: float) -> None:
    """One bar between its name, which ends at the slot's right edge, and its value."""
    size, unit, name = sheet.look.size("label"), sheet.look.unit, clean(bar.name)
    base = (slot.top + slot.bottom) / 2 + size * 0.35
    sheet.text(
        slot.right - 9 * unit,
        base,
        fit(name, size, slot.wide - 9 * unit),
        size,
        "ink",
        align="right",
        italic=bar.italic,
    )
    told = (("data-species", name), ("data-value", canonical(bar.value)))
    with sheet.group("series", name):
        sheet.block(
            slot.right,
            slot.top,
            max(long, 1.0 if bar.value > 0 else 0.0),
            slot.high,
            "s0",
            Named(told, f"{name}: {number(bar.value)}"),
        )
    x = slot.right + long + 7 * unit
    sheet.text(x, base, number(bar.value), size, "ink")
    x += width(number(bar.value), size) + 7 * unit
    if bar.note and right - x > 3 * size:
        sheet.text(x, base, fit(clean(bar.note), size, right - x), size, "muted")
