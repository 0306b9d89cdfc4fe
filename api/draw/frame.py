"""What surrounds the data: title block, footer, the scale of values and its quiet grid. Knows no series."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.sheet import GAP, Sheet
from api.draw.words import BOLD, Words, axis_numbers, clean, fit, width, wrap
from api.speech import _


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels from the top left."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def wide(self) -> float:
        """Its width."""
        return self.right - self.left

    @property
    def high(self) -> float:
        """Its height."""
        return self.bottom - self.top


def surround(sheet: Sheet, words: Words) -> Box:
    """Draw title, subtitle and footer; what is left between them is the chart's."""
    look = sheet.look
    return Box(look.pad, _masthead(sheet, words), look.width - look.pad, _footer(sheet, words))


def _masthead(sheet: Sheet, words: Words) -> float:
    look, room = sheet.look, sheet.look.width - 2 * sheet.look.pad
    y, roomy = look.pad * 0.7, look.height >= 300
    for line in wrap(clean(words.title, 200), look.size("title") * BOLD, room, 2 if roomy else 1):
        y += look.size("title") * 1.25
        sheet.text(look.pad, y, line, look.size("title"), bold=True)
    for line in wrap(clean(words.subtitle, 300), look.size("subtitle"), room, 2 if roomy else 1):
        y += look.size("subtitle") * 1.5
        sheet.text(look.pad, y, line, look.size("subtitle"), "muted")
    return y + 10 * look.unit


def _footer(sheet: Sheet, words: Words) -> float:
    look, size = sheet.look, sheet.look.size("small")
    most = 1 if look.height < 220 else 2 if look.height < 360 else 3
    # Some room to spare: the reader's own font may be wider than the one that widths are estimated from.
    lines = footer_lines(words.footer, size, 0.9 * (look.width - 2 * look.pad), most)
    y = look.height - look.pad * 0.8
    for index, line in enumerate(reversed(lines)):
        sheet.text(look.pad, y - index * size * 1.4, line, size, "muted")
    return y - (len(lines) - 1) * size * 1.4 - size * 1.9 if lines else look.height - look.pad


def footer_lines(items: Sequence[str], size: float, room: float, most: int) -> list[str]:
    """As many whole items as fit into `most` lines, in their order, parted by middle dots.

    A last line that is less than half full takes the beginning of the next item, too.
    """
    lines: list[str] = []
    for item in filter(None, (clean(item, 200) for item in items)):
        longer = f"{lines[-1]} \u00b7 {item}" if lines else ""
        if lines and width(longer, size) <= room:
            lines[-1] = longer
        elif len(lines) < most:
            lines.append(fit(item, size, room))
        else:
            if width(lines[-1], size) < room / 2:
                lines[-1] = fit(longer, size, room)
            break
    return lines


@dataclass(frozen=True)
class Scale:
    """Values to pixels: `low` lies at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Where a value lies; a scale of one value puts it in the middle."""
        if self.high == self.low:
            return (self.start + self.end) / 2
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def nice_ticks(values: Sequence[float], most: int) -> list[float]:
    """Round values from 0 (or below, if a value is) to the largest or just above, about `most` steps."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    step = next_nice(span / max(1, most), whole=all(value == int(value) for value in values))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, max(last, first + 1) + 1)]


def next_nice(least: float, *, whole: bool) -> float:
    """The smallest 1, 2, 2.5 or 5 times a power of ten that is at least `least`; whole numbers if asked."""
    power = 10.0 ** math.floor(math.log10(least))
    for factor in (1, 2, 2.5, 5, 10):
        step: float = round(factor * power, 12) or factor * power
        if step >= least * (1 - 1e-9) and (not whole or step == int(step)):
            return step
    return next_nice(power * 10, whole=whole)


def value_scale(ticks: Sequence[float], values: Sequence[float], top: float, bottom: float) -> Scale:
    """From the first tick up to the last one, or to just above the data where the last would waste room."""
    high = max(values)
    if len(ticks) > 2 and high < ticks[-1] - 0.45 * (ticks[-1] - ticks[-2]) and high > ticks[-2]:
        return Scale(ticks[0], high + 0.12 * (ticks[-1] - ticks[-2]), bottom, top)
    return Scale(ticks[0], ticks[-1], bottom, top)


def measure(sheet: Sheet, words: Words, top: float) -> float:
    """What is counted, in small type above the axis that counts it; gives where the plot begins."""
    size = sheet.look.size("small")
    text = clean(words.measure, 80)
    if text:
        sheet.text(sheet.look.pad, top + size * 1.2, text, size, "muted")
    return top + size * (2.5 if text else 0.8)


def gutter(sheet: Sheet, ticks: Sequence[float]) -> float:
    """The width that the numbers of the value axis take."""
    return max(width(text, sheet.look.size("label")) for text in axis_numbers(ticks)) + 8 * sheet.look.unit


def value_grid(sheet: Sheet, box: Box, scale: Scale, ticks: Sequence[float]) -> None:
    """Hairlines across the box with their numbers left of it, and a firmer line at zero."""
    size = sheet.look.size("label")
    xs: list[float] = []
    ys: list[float] = []
    for tick, text in zip(ticks, axis_numbers(ticks), strict=True):
        if tick > scale.high:
            continue
        y = scale(tick)
        sheet.text(box.left - 8 * sheet.look.unit, y + size * 0.35, text, size, "muted", align="right")
        if tick:
            xs += [box.left, box.right, GAP]
            ys += [y, y, GAP]
    sheet.line(xs, ys, "grid", 1)
    sheet.line([box.left, box.right], [scale(0), scale(0)], "axis", 1)


def nothing(sheet: Sheet, box: Box, said: str = "") -> None:
    """An empty frame that says so, so that nobody takes it for a broken one."""
    said = said or _("No records match")
    xs = [box.left, box.right, GAP] * 3
    ys = [y for share in (0.0, 1 / 3, 2 / 3) for y in (*[box.top + share * box.high] * 2, GAP)]
    sheet.line(xs, ys, "grid", 1)
    sheet.line([box.left, box.right], [box.bottom, box.bottom], "axis", 1)
    size = sheet.look.size("title") * 0.85
    middle = box.top + box.high / 2
    wide = width(said, size) + 24 * sheet.look.unit
    sheet.block(box.left + box.wide / 2 - wide / 2, middle - size, wide, size * 2, "paper")
    sheet.text(box.left + box.wide / 2, middle + size * 0.35, said, size, "muted", align="center")
