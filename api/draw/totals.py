"""Totals in large type, each with its label. Knows texts only: whoever asks has written the numbers out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from api.draw.frame import Box, nothing, surround
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import Sheet
from api.draw.words import BOLD, Words, clean, fit, width


@dataclass(frozen=True)
class Fact:
    """One total: what it counts, the number as text, and a note under it."""

    label: str
    value: str
    note: str = ""
    exact: str = ""
    """The number as a program reads it."""


def numbers(facts: Sequence[Fact], words: Words, look: Look) -> Picture:
    """Facts in a grid, read by rows; as many as stay legible, the first ones first."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if not facts:
        nothing(sheet, area)
        return Picture(sheet, words)
    columns, rows = _grid(facts, area, look)
    wide, high = area.wide / columns, area.high / rows
    gap = _gap(look)
    size = _type_size(facts[: columns * rows], wide - gap, high, look)
    for index, fact in enumerate(facts[: columns * rows]):
        row, column = divmod(index, columns)
        left, top = area.left + column * wide, area.top + row * high
        _fact(sheet, fact, Box(left, top, left + wide - gap, top + high), size)
    return Picture(sheet, words)


def _gap(look: Look) -> float:
    return 16 * look.unit


def _grid(facts: Sequence[Fact], area: Box, look: Look) -> tuple[int, int]:
    """Columns and rows, balanced (four are 4 x 1 or 2 x 2, never 3 + 1): whose type is largest."""
    count = len(facts)
    most_columns = max(1, int(area.wide / (128 * look.unit)))
    most_rows = max(1, int(area.high / (58 * look.unit)))
    fits = [
        (math.ceil(count / rows), rows)
        for rows in range(1, min(count, most_rows) + 1)
        if count % rows == 0 and math.ceil(count / rows) <= most_columns
    ]
    if not fits:
        return max(1, min(most_columns, math.ceil(count / most_rows))), most_rows

    def size(grid: tuple[int, int]) -> float:
        return _type_size(facts, area.wide / grid[0] - _gap(look), area.high / grid[1], look)

    return max(fits, key=size)


def _type_size(facts: Sequence[Fact], wide: float, high: float, look: Look) -> float:
    """One size for all values, so that they compare: the largest that the longest of them fits in."""
    longest = max(width(clean(fact.value, 24), 1.0) for fact in facts) or 1.0
    fits = max(look.size("title"), min(52 * look.unit, high * 0.42, wide / longest / BOLD))
    return math.floor(fits * 10) / 10  # rounded up it would not fit


def _fact(sheet: Sheet, fact: Fact, cell: Box, size: float) -> None:
    look = sheet.look
    label, note = look.size("label"), look.size("small")
    top = cell.top + 10 * look.unit
    name, value = clean(fact.label), clean(fact.value, 24)
    sheet.line([cell.left, cell.right], [top - 6 * look.unit] * 2, "grid", 1)
    sheet.text(cell.left, top + label * 1.2, fit(name, label, cell.wide), label, "muted")
    base = top + label * 1.2 + size * 1.05
    exact = (("data-value", fact.exact),) if fact.exact else ()
    with sheet.called(Named((("class", "fact"), ("data-species", name), *exact))):
        sheet.text(cell.left, base, fit(value, size, cell.wide / BOLD), size, bold=True)
    sheet.text(cell.left, base + note * 1.6, fit(clean(fact.note, 80), note, cell.wide), note, "muted")
