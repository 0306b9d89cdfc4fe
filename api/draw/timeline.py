"""The timeline: values per interval, a line for each species. Knows values, not where they come from."""

import math
from collections.abc import Sequence

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
from api.draw.labels import End, Key, end_labels, key_rows, label_room
from api.draw.look import MARKERS, SERIES, Look
from api.draw.picture import Picture
from api.draw.series import Line, draw_line, known, place
from api.draw.sheet import GAP, Sheet
from api.draw.times import Tick, contexts, moment, time_ticks
from api.draw.words import NAMELESS, Words, clean, number, width
from api.speech import _, ngettext

MARKED = 2000  # a line of more points has no marks of its own
ALL_MARKS = 16_000  # nor have the lines after this many marks: a picture has a size


def timeline(lines: Sequence[Line], interval: str, words: Words, look: Look, empty: str = "") -> Picture:
    """Lines over time. The first eight have a colour, a shape and a name at their end; the rest is grey.

    ``empty`` is what an empty frame says, where it is not that no records match.
    """
    sheet = Sheet(look)
    area = surround(sheet, words)
    values = [value for line in lines for point in line.points if (value := known(point)) is not None]
    if values:
        plot(sheet, area, lines, interval, words, values)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom), empty)
    return Picture(sheet, words)


def plot(
    sheet: Sheet, area: Box, lines: Sequence[Line], interval: str, words: Words, values: Sequence[float]
) -> Box:
    """Axes, lines and their names in the area; gives the box that the axes enclose."""
    look, keys = sheet.look, _keys(lines, words)
    top, room = area.top, 0.0
    bottom = area.bottom - look.size("label") * (1.6 if interval == "year" else 2.9)
    if _at_ends(look, keys, bottom - top):
        room = label_room(sheet, [key.name for key in keys])
    elif keys:
        top = key_rows(sheet, keys, top, 1 if look.height < 200 else 2)
    top = measure(sheet, words, top)
    ticks = nice_ticks(values, max(2, min(6, int((bottom - top) / (3.2 * look.size("label"))))))
    right = area.right - (room + 12 * look.unit if room else 0)
    box = Box(area.left + gutter(sheet, ticks), top, right, bottom)
    up = value_scale(ticks, values, top, bottom)
    value_grid(sheet, box, up, ticks)
    ends = _lines(sheet, lines, time_axis(sheet, box, lines, interval), up)
    if room:
        rest = [] if len(keys) <= len(ends) else [End(box.right, bottom, keys[-1])]
        named = [End(*end, key) for end, key in zip(ends, keys, strict=False) if end]
        end_labels(sheet, named + rest, box, room)
    return box


def _keys(lines: Sequence[Line], words: Words) -> list[Key]:
    """A key for each coloured line and one for the grey rest; none for a lone line that the title names."""
    if len(lines) == 1 and lines[0].name in words.title + words.subtitle + words.measure:
        return []
    keys = [
        Key(clean(line.name) or _(NAMELESS), ink, shape)
        for line, ink, shape in zip(lines, SERIES, MARKERS, strict=False)
    ]
    rest = len(lines) - len(keys)
    return keys + ([Key(_more(rest), "rest", lines=rest)] if rest else [])


def _at_ends(look: Look, keys: Sequence[Key], high: float) -> bool:
    return bool(keys) and look.width >= 440 and len(keys) * look.size("label") * 1.3 <= high * 0.9


def time_axis(sheet: Sheet, box: Box, lines: Sequence[Line], interval: str) -> Scale:
    """Ticks and their labels under the box; gives the scale of time."""
    inset, size = 10 * sheet.look.unit, sheet.look.size("label")
    starts = sorted((point.start for line in lines for point in line.points), key=moment)
    first, last = starts[0], starts[-1]
    scale = Scale(moment(first), moment(last), box.left + inset, box.right - inset)
    ticks = time_ticks(first, last, interval, box.wide - 2 * inset, size)
    xs = [x for tick in ticks for x in (scale(tick.at), scale(tick.at), GAP)]
    sheet.line(xs, [box.bottom, box.bottom + 4 * sheet.look.unit, GAP] * len(ticks), "axis", 1)
    for tick in ticks:
        sheet.text(scale(tick.at), box.bottom + size * 1.45, tick.label, size, "muted", align="center")
    _context_row(sheet, box, ticks, scale)
    return scale


def _context_row(sheet: Sheet, box: Box, ticks: Sequence[Tick], scale: Scale) -> None:
    """Years under months, months under days: where they change, and where there is room."""
    size, end = sheet.look.size("label"), -math.inf
    placed: list[tuple[float, str]] = []
    for index, context in contexts(ticks):
        half = width(context, size) / 2
        x = min(max(scale(ticks[index].at), sheet.look.pad + half), sheet.look.width - sheet.look.pad - half)
        if x - half < end:
            if len(placed) > 1:
                continue
            placed.clear()  # the first is cut short by the span's beginning: the whole one after it says more
        placed.append((x, context))
        end = x + half + size
    for x, context in placed:
        sheet.text(x, box.bottom + size * 2.75, context, size, "muted", align="center", bold=True)


def _more(lines: int) -> str:
    return ngettext("%(num)s more", "%(num)s more", lines, num=number(lines))


def _lines(sheet: Sheet, lines: Sequence[Line], across: Scale, up: Scale) -> list[tuple[float, float] | None]:
    """Draw the grey lines, then the coloured ones, the first on top; gives where each coloured one ends."""
    spots = [place(line, across, up) for line in lines]
    marked = _marked([len(line) for line in spots])
    of = min(len(lines), len(SERIES))
    for index in [*range(of, len(lines)), *reversed(range(of))]:
        if spots[index]:
            draw_line(sheet, lines[index], spots[index], index, of, marked=marked[index])
    return [(line[-1].x, line[-1].y) if line else None for line in spots[:of]]


def _marked(counts: Sequence[int]) -> list[bool]:
    """Which lines may carry marks, the first ones first."""
    marked: list[bool] = []
    total = 0
    for count in counts:
        marked.append(count <= MARKED and total + count <= ALL_MARKS)
        total += count if marked[-1] else 0
    return marked
