"""A quiet table for the latest records. Knows texts in columns, not what they are."""

import re
from collections.abc import Sequence
from contextlib import nullcontext

from api.draw.frame import nothing, surround
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import GAP, Sheet
from api.draw.words import Words, and_more, clean, fit, width

_NUMBER = re.compile(r"[-+\u2212]?[\d\s\u2009.,%]*\d[\d\s\u2009.,%]*")


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    words: Words,
    look: Look,
    names: Sequence[Named] = (),
) -> Picture:
    """As many rows as fit, and how many more there are; columns without room are left out from the right.

    `names` are those of the rows, which make each of them a group.
    """
    sheet = Sheet(look)
    area = surround(sheet, words)
    if not rows or not columns:
        nothing(sheet, area)
        return Picture(sheet, words)
    size = look.size("label")
    step = size * 1.9
    fits = max(1, int(area.high / step) - 1)
    shown = rows if len(rows) <= fits else rows[: max(1, fits - 1)]
    cells = [
        [clean(text) for text in columns],
        *([clean(text) for text in [*row, *[""] * len(columns)][: len(columns)]] for row in shown),
    ]
    _cells(sheet, cells, names, _widths(cells, size, area.wide), area.top + size * 1.3, step)
    _rules(sheet, area.top + size * 1.3, step, len(shown))
    if len(shown) < len(rows):
        more = and_more(len(rows) - len(shown))
        sheet.text(area.left, area.top + size * 1.3 + step * (len(shown) + 1), more, size, "muted")
    return Picture(sheet, words)


def _widths(cells: Sequence[Sequence[str]], size: float, room: float) -> list[float]:
    """What each column needs; too much in all, the widest give way; too many, the last ones go."""
    gap, least = size * 1.5, size * 7.5
    needs = [max(width(row[index], size) for row in cells) + gap for index in range(len(cells[0]))]
    while len(needs) > 1 and sum(min(need, least) for need in needs) > room:
        needs.pop()
    low, high = 0.0, max(needs)
    for _ in range(30):  # the widest width that all columns may have and still fit, by halving
        cap = (low + high) / 2
        low, high = (cap, high) if sum(min(need, cap) for need in needs) <= room else (low, cap)
    return needs if sum(needs) <= room else [min(need, low) for need in needs]


def _cells(
    sheet: Sheet,
    cells: Sequence[Sequence[str]],
    names: Sequence[Named],
    widths: Sequence[float],
    top: float,
    step: float,
) -> None:
    numeric = [_is_numeric([row[index] for row in cells[1:]]) for index in range(len(widths))]
    for row, texts in enumerate(cells):
        named = row and row <= len(names)
        with sheet.called(names[row - 1]) if named else nullcontext():
            _row(sheet, texts, widths, numeric, top + row * step, "ink" if row else "muted")


def _row(
    sheet: Sheet, texts: Sequence[str], widths: Sequence[float], numeric: Sequence[bool], y: float, ink: str
) -> None:
    size, x = sheet.look.size("label"), sheet.look.pad
    for text, wide, right in zip(texts, widths, numeric, strict=False):
        inner = wide - size * 1.5
        at = x + inner if right else x
        sheet.text(at, y, fit(text, size, inner), size, ink, align="right" if right else "left")
        x += wide


def _is_numeric(texts: Sequence[str]) -> bool:
    """Whether a column holds numbers: those stand to the right."""
    told = [text for text in texts if text]
    return bool(told) and all(_NUMBER.fullmatch(text) for text in told)


def _rules(sheet: Sheet, top: float, step: float, rows: int) -> None:
    """A firm line under the head, hairlines under the rows."""
    look = sheet.look
    left, right, drop = look.pad, look.width - look.pad, look.size("label") * 0.62
    sheet.line([left, right], [top + drop] * 2, "axis", 1)
    sheet.line(
        [left, right, GAP] * rows,
        [y for row in range(1, rows + 1) for y in (top + row * step + drop, top + row * step + drop, GAP)],
        "grid",
        1,
    )
