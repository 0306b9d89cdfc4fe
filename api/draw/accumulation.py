"""How a number grows: steps that never go down, the newest of them named. Knows no species' own values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from api.draw.frame import Box, Scale, gutter, measure, nice_ticks, nothing, surround, value_grid, value_scale
from api.draw.labels import End, Key, end_labels, label_room
from api.draw.look import SERIES, Look
from api.draw.picture import Picture
from api.draw.series import Line, Point, Spot, draw_line, place
from api.draw.sheet import Sheet
from api.draw.timeline import MARKED, time_axis
from api.draw.words import NAMELESS, Words, and_more, clean, fit, number
from api.speech import _

TOLD = 3  # names in the title of a mark
NAMED = 8  # names beside the line


@dataclass(frozen=True)
class Step:
    """A bucket after which there are `value`, `new` of them for the first time, some of these by name."""

    label: str
    start: date
    value: int
    new: int
    names: tuple[str, ...] = ()
    partial: bool = False


def accumulation(steps: Sequence[Step], what: str, interval: str, words: Words, look: Look) -> Picture:
    """Steps in the order of time, from 0; `what` is counted (species)."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if steps:
        _plot(sheet, area, steps, what, interval, words)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    return Picture(sheet, words)


def _plot(sheet: Sheet, area: Box, steps: Sequence[Step], what: str, interval: str, words: Words) -> None:
    look, size = sheet.look, sheet.look.size("label")
    newest = _newest(steps, max(1, min(NAMED, int((area.high - 5 * size) / (2.4 * size)))))
    total = f"{number(steps[-1].value)} {what}"
    room = label_room(sheet, [total, *(name for _, name in newest)]) if look.width >= 440 else 0.0
    names = ", ".join(name for _, name in newest)
    if room:
        said = _("%(measure)s; the newest are named", measure=words.measure)
    else:
        said = _("%(measure)s, the newest: %(names)s", measure=words.measure, names=names)
    said = fit(clean(said, 80), look.size("small"), area.wide) if newest else words.measure
    top = measure(sheet, replace(words, measure=said), area.top)
    bottom = area.bottom - size * (1.6 if interval == "year" else 2.9)
    values = [step.value for step in steps]
    ticks = nice_ticks(values, max(2, min(6, int((bottom - top) / (3.2 * size)))))
    right = area.right - (room + 12 * look.unit if room else 0)
    box = Box(area.left + gutter(sheet, ticks), top, right, bottom)
    up = value_scale(ticks, values, top, bottom)
    value_grid(sheet, box, up, ticks)
    spots = _line(sheet, box, steps, what, interval, up)
    if room:
        whole = End(spots[-1].x, spots[-1].y, Key(total, SERIES[0]))
        added = [End(*_beside(spots, index), Key(name, "rest")) for index, name in newest]
        end_labels(sheet, [whole, *added], box, room)


def _line(sheet: Sheet, box: Box, steps: Sequence[Step], what: str, interval: str, up: Scale) -> list[Spot]:
    """The line, rising from nothing at its beginning; gives where its steps lie."""
    line = Line(what, tuple(map(_point, steps)), stepped=True)
    spots = place(line, time_axis(sheet, box, [line], interval), up)
    first, dashes = spots[0], (2.2, 2.0) if steps[0].partial else None
    thick = (1.4 if len(spots) > 150 else 2) * sheet.look.unit
    sheet.line([first.x, first.x], [up(0), first.y], SERIES[0], thick, dashes=dashes)
    draw_line(sheet, line, spots, 0, 1, marked=len(spots) <= MARKED)
    return spots


def _point(step: Step) -> Point:
    names = [clean(name) for name in step.names]
    rest = step.new - len(names[:TOLD])
    told = ", ".join(names[:TOLD]) + (f" {and_more(rest)}" if rest else "")
    more = (("data-new", str(step.new)), ("data-names", "; ".join(names)))
    note = _(", new: %(names)s", names=told) if names else ""
    return Point(step.label, step.start, step.value, step.partial, more if names else more[:1], note)


def _newest(steps: Sequence[Step], most: int) -> list[tuple[int, str]]:
    """The names that came last, with the number of their step; the very last one first."""
    found: list[tuple[int, str]] = []
    for index in reversed(range(len(steps))):
        step = steps[index]
        room = most - len(found)
        if step.new > min(room, len(step.names)):  # a step is named whole, or by one of it
            if not found and step.names:
                found.append((index, _first_of(step)))
            break
        found += [(index, clean(name) or _(NAMELESS)) for name in step.names]
    return found


def _first_of(step: Step) -> str:
    name = clean(step.names[0]) or _(NAMELESS)
    return f"{name} + {number(step.new - 1)}" if step.new > 1 else name


def _beside(spots: Sequence[Spot], index: int) -> tuple[float, float]:
    """Where the leader of a step begins; one on the last level follows the line to its end."""
    level = spots[index].y
    return (spots[-1].x if level == spots[-1].y else spots[index].x), level
