"""One line of a timeline: strokes, gaps, the bucket under way, marks. Knows no axis and no title."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from api.draw.frame import Scale
from api.draw.look import MARKERS, SERIES
from api.draw.named import Named
from api.draw.sheet import GAP, Sheet
from api.draw.times import moment
from api.draw.words import canonical, clean, number, so_far

TITLED = 100  # a line of more points leaves out the title of each mark, which only repeats its data
_HEFT = {"o": 1.0, "s": 0.95, "D": 0.9, "p": 1.15}  # makes shapes look of one size; triangles take 1.25


@dataclass(frozen=True)
class Point:
    """One bucket; `value` None is a gap (nothing surveyed), `partial` a bucket that is still under way."""

    label: str
    start: date
    value: float | None
    partial: bool = False
    more: tuple[tuple[str, str], ...] = ()
    """What the mark is called beside its date, species and value."""
    note: str = ""
    """What its title says after the value."""


@dataclass(frozen=True)
class Line:
    """One species over time, its points in the order of time; `stepped`, it holds until the next one."""

    name: str
    points: tuple[Point, ...]
    stepped: bool = False


@dataclass(frozen=True)
class Spot:
    """A point that has a place on the sheet; `joined` to the one before it, or `alone` between gaps."""

    point: Point
    value: float
    x: float
    y: float
    joined: bool
    alone: bool


def known(point: Point) -> float | None:
    """The point's value if it is one: what is no finite number is a gap."""
    return point.value if point.value is not None and math.isfinite(point.value) else None


def place(line: Line, across: Scale, up: Scale) -> list[Spot]:
    """The points that have a value, with their places."""
    values = [None, *map(known, line.points), None]
    return [
        Spot(
            point,
            value,
            across(moment(point.start)),
            up(value),
            values[index] is not None,
            values[index] is None and values[index + 2] is None,
        )
        for index, (point, value) in enumerate(zip(line.points, values[1:], strict=False))
        if value is not None
    ]


def draw_line(sheet: Sheet, line: Line, spots: Sequence[Spot], index: int, of: int, *, marked: bool) -> None:
    """Draw the line as number `index` of `of` coloured ones (grey from there on), in its own named group."""
    name, coloured = clean(line.name), index < of
    ink = SERIES[index] if coloured else "rest"
    thick = ((1.4 if len(spots) > 150 else 2) if coloured else 0.6) * sheet.look.unit
    with sheet.group("series", name):
        _strokes(sheet, spots, ink, thick, stepped=line.stepped)
        shown = _shown(sheet, spots, index, of) if coloured else {i for i, s in enumerate(spots) if s.alone}
        _marks(sheet, name, spots, shown, ink, MARKERS[index] if coloured else "o", marked=marked)


def _strokes(sheet: Sheet, spots: Sequence[Spot], ink: str, thick: float, *, stepped: bool) -> None:
    """Solid between buckets that are over, dashed into one that is still under way, nothing across a gap."""
    solid: list[tuple[float, float]] = []
    dashed: list[tuple[float, float]] = []
    for before, spot in pairwise(spots):
        if not spot.joined:
            continue
        start = (before.x, before.y)
        if stepped:  # what was reached holds; only the rise is still open
            _draw_on(solid, start, (spot.x, before.y))
            start = (spot.x, before.y)
        _draw_on(dashed if spot.point.partial else solid, start, (spot.x, spot.y))
    for run, dashes in ((solid, None), (dashed, (2.2, 2.0))):
        if run:
            sheet.line([x for x, _ in run], [y for _, y in run], ink, thick, dashes=dashes)


def _draw_on(run: list[tuple[float, float]], start: tuple[float, float], end: tuple[float, float]) -> None:
    if not run or run[-1] != start:
        run += [(GAP, GAP), start] if run else [start]
    run.append(end)


def _shown(sheet: Sheet, spots: Sequence[Spot], index: int, of: int) -> set[int]:
    """The marks to be seen: all if they have room; else a few, staggered, so that shapes tell lines apart."""
    apart = _apart(spots)
    if apart >= 10 * sheet.look.unit:
        return set(range(len(spots)))
    every = max(2, math.ceil(90 * sheet.look.unit / apart))
    few = set(range((index + 1) * every // (of + 1), len(spots), every)) if of > 1 else set()
    return few | {len(spots) - 1} | {i for i, spot in enumerate(spots) if spot.alone or spot.point.partial}


def _apart(spots: Sequence[Spot]) -> float:
    """The usual distance of two neighbours in pixels."""
    return max(0.05, (spots[-1].x - spots[0].x) / (len(spots) - 1)) if len(spots) > 1 else 99.0


def _marks(
    sheet: Sheet, name: str, spots: Sequence[Spot], shown: set[int], ink: str, shape: str, *, marked: bool
) -> None:
    """Marks to be seen, filled or (under way) hollow, and unseen ones that only carry their data."""
    titled, unit, apart = len(spots) <= TITLED, sheet.look.unit, _apart(spots)
    size = (6 if apart >= 14 * unit else 4.8) * unit * (_HEFT.get(shape, 1.25) if ink in SERIES else 0.7)
    for hollow in (False, True):
        some = [spot for i, spot in enumerate(spots) if i in shown and spot.point.partial == hollow]
        if some:
            names = [_named(name, spot, titled=titled) for spot in some] if marked else ()
            xs, ys = [spot.x for spot in some], [spot.y for spot in some]
            sheet.marks(xs, ys, ink, shape, size, hollow=hollow, names=names)
    unseen = [spot for i, spot in enumerate(spots) if i not in shown] if marked else []
    if unseen:
        sheet.targets(
            [s.x for s in unseen],
            [s.y for s in unseen],
            min(12.0, max(4.0, apart)) * unit,
            [_named(name, spot, titled=titled) for spot in unseen],
        )


def _named(name: str, spot: Spot, *, titled: bool) -> Named:
    label = clean(spot.point.label)
    attributes = [("data-date", label), ("data-species", name), ("data-value", canonical(spot.value))]
    attributes += spot.point.more
    if spot.point.partial:
        attributes.append(("data-partial", "true"))
    told = f"{name}, {label}: {number(spot.value)}"
    title = (so_far(told) if spot.point.partial else told) + spot.point.note
    return Named(tuple(attributes), title if titled else "")
