"""Which line is which: names at the lines' ends that do not collide, or a row of keys. Knows no values."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.frame import Box
from api.draw.sheet import Sheet
from api.draw.words import fit, number, width
from api.speech import ngettext


@dataclass(frozen=True)
class Key:
    """A line's name with its ink and shape; a rest of `lines` without a shape is told in grey."""

    name: str
    ink: str
    shape: str = ""
    lines: int = 1


@dataclass(frozen=True)
class End:
    """Where a line ends, and its key."""

    x: float
    y: float
    key: Key


def spread(wanted: Sequence[float], distance: float, top: float, bottom: float) -> list[float]:
    """Positions as near to the wanted ones as they can be, `distance` apart, in the same order, in bounds."""
    order = sorted(range(len(wanted)), key=lambda index: wanted[index])
    clusters: list[tuple[float, int]] = []  # middle and size; those that touch are pooled around their mean
    for index in order:
        middle, size = wanted[index], 1
        middle = min(max(middle, top), bottom)
        while clusters and clusters[-1][0] + clusters[-1][1] * distance / 2 > middle - size * distance / 2:
            before, count = clusters.pop()
            middle = (before * count + middle * size) / (count + size)
            size += count
            half = (size - 1) * distance / 2
            middle = min(max(middle, top + half), max(top + half, bottom - half))
        clusters.append((middle, size))
    placed = [
        middle + (place - (size - 1) / 2) * distance for middle, size in clusters for place in range(size)
    ]
    result = [0.0] * len(wanted)
    for index, y in zip(order, placed, strict=True):
        result[index] = y
    return result


def end_labels(sheet: Sheet, ends: Sequence[End], box: Box, room: float) -> None:
    """Names to the right of the box at the height of the lines' ends, with a leader where one had to move."""
    size = sheet.look.size("label")
    x = box.right + 9 * sheet.look.unit
    heights = spread([end.y for end in ends], size * 1.3, box.top, box.bottom)
    for end, y in zip(ends, heights, strict=True):
        if abs(y - end.y) > 0.5 * size or x - end.x > 40 * sheet.look.unit:
            start = end.x + 6 * sheet.look.unit
            bend = max(start, box.right)
            sheet.line([start, bend, x - 3], [end.y, end.y, y], end.key.ink, 0.7, dashes=(1, 2))
        ink = "muted" if end.key.ink == "rest" else end.key.ink
        sheet.text(x, y + size * 0.35, fit(end.key.name, size, room), size, ink)


def label_room(sheet: Sheet, names: Sequence[str]) -> float:
    """The width that names at the lines' ends may take: what they need, at most a quarter of the chart."""
    size = sheet.look.size("label")
    return min(0.26 * sheet.look.width, max((width(name, size) for name in names), default=0.0) + 2)


def key_rows(sheet: Sheet, keys: Sequence[Key], top: float, most: int) -> float:
    """Keys in at most `most` rows from `top` down, saying how many had no room; gives where they end."""
    look, size = sheet.look, sheet.look.size("label")
    x, y, left, right = look.pad, top + size, look.pad, look.width - look.pad
    mark, gap, rows = 9 * look.unit, 16 * look.unit, 1
    for index, key in enumerate(keys):
        name = fit(key.name, size, (0.3 if look.width < 440 else 0.4) * (right - left))
        tail = width(_more(88), size) if index < len(keys) - 1 else 0.0
        if x > left and x + mark + 5 + width(name, size) + (tail if rows == most else 0) > right:
            if rows == most:
                sheet.text(x, y, _more(sum(key.lines for key in keys[index:])), size, "muted")
                break
            x, y, rows = left, y + size * 1.5, rows + 1
        if key.shape:
            sheet.marks([x + mark / 2], [y - size * 0.34], key.ink, key.shape, mark)
        else:
            sheet.line([x, x + mark], [y - size * 0.34] * 2, key.ink, 1.5)
        sheet.text(x + mark + 5 * look.unit, y, name, size, "ink" if key.shape else "muted")
        x += mark + 5 * look.unit + width(name, size) + gap
    return y + size * 0.7


def _more(lines: int) -> str:
    return ngettext("+ %(num)s more", "+ %(num)s more", lines, num=number(lines))
