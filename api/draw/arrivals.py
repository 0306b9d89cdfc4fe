"""Seasons: bars from a first to a last day over the months of a year. Knows days, not whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.draw.frame import Box, Scale, measure, nothing, surround
from api.draw.look import Look
from api.draw.named import Named
from api.draw.picture import Picture
from api.draw.sheet import GAP, Sheet
from api.draw.words import NAMELESS, Words, and_more, clean, fit, so_far, width
from api.speech import _, date_in_words, months

_STEPS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000)
_LEAP = 2000  # every day of any year has its place in this one, and 1 March is one place


@dataclass(frozen=True)
class Season:
    """One year of a species, from the first to the last day; `partial`, the year is still under way."""

    name: str
    year: int
    first: date
    last: date
    partial: bool = False
    italic: bool = False


@dataclass(frozen=True)
class _Row:
    """What stands in one line: a season as a bar, others as the dots of their ends."""

    label: str
    bar: Season | None
    dots: tuple[Season, ...] = ()
    italic: bool = False


def arrivals(seasons: Sequence[Season], words: Words, look: Look) -> Picture:
    """A row for each species in the order of arrival, or, of a lone species, for each year."""
    sheet = Sheet(look)
    area = surround(sheet, words)
    if seasons:
        _plot(sheet, area, seasons, words)
    else:
        nothing(sheet, Box(area.left, area.top + 10 * look.unit, area.right, area.bottom))
    return Picture(sheet, words)


def _plot(sheet: Sheet, area: Box, seasons: Sequence[Season], words: Words) -> None:
    look, size = sheet.look, sheet.look.size("label")
    names = list(dict.fromkeys(season.name for season in seasons))
    alone = len(names) == 1
    latest = max(season.year for season in seasons)
    said = _explained(seasons, latest, alone)
    top = measure(sheet, Words("", measure=fit(said, look.size("small"), area.wide)), area.top)
    bottom = area.bottom - size * 1.6
    rows = _years(seasons) if alone else _species(seasons, names, latest)
    rows, more = (rows, 0) if alone else _fitting(rows, bottom - top, size)
    step = min(size * 3.4, (bottom - top) / len(rows))
    rest = and_more(more) if more else ""
    room = max(width(text, size) for text in (rest, *(row.label for row in rows)))
    left = area.left + min(0.34 * area.wide, room) + 10 * look.unit
    box = Box(left, top, area.right, top + step * len(rows))
    across = Scale(1, 367, box.left, box.right)
    _months(sheet, box, across)
    for index, row in enumerate(rows):
        middle = top + step * (index + 0.5)
        if not alone or _labelled(row, step, size):
            label = fit(clean(row.label) or _(NAMELESS), size, box.left - area.left - 8 * look.unit)
            x, y = box.left - 8 * look.unit, middle + size * 0.35
            sheet.text(x, y, label, size, "muted" if alone else "ink", align="right", italic=row.italic)
        with sheet.group("series", clean(row.bar.name if row.bar else row.label)):
            _row(sheet, row, box, across, middle, step)
    if rest:
        sheet.text(area.left, box.bottom + size * 1.35, rest, size, "muted")


def _labelled(row: _Row, step: float, size: float) -> bool:
    """Whether a year has its number: round ones alone, where not all of them have room."""
    every = next((every for every in _STEPS if every * step >= size * 1.3), _STEPS[-1])
    return int(row.label) % every == 0


def _explained(seasons: Sequence[Season], latest: int, alone: bool) -> str:
    if alone:
        return _("First to last day in each year")
    if any(season.year < latest for season in seasons):
        return _("First to last day in %(year)s; dots: earlier years", year=latest)
    return _("First to last day in %(year)s", year=latest)


def _years(seasons: Sequence[Season]) -> list[_Row]:
    """Each year between the first and the last one, also those of which nothing is known."""
    of_year = {season.year: season for season in seasons}
    span = range(min(of_year), max(of_year) + 1)
    return [_Row(str(year), of_year.get(year)) for year in span]


def _species(seasons: Sequence[Season], names: Sequence[str], latest: int) -> list[_Row]:
    """In the order in which they came in the latest year; who did not come is last."""
    bars = {season.name: season for season in seasons if season.year == latest}
    dots: dict[str, list[Season]] = {name: [] for name in names}
    for season in seasons:
        if season.year < latest:
            dots[season.name].append(season)
    latin = {season.name for season in seasons if season.italic}
    rows = [_Row(name, bars.get(name), tuple(own), name in latin) for name, own in dots.items()]
    return sorted(rows, key=lambda row: _place(row.bar.first) if row.bar else 400)


def _fitting(rows: list[_Row], high: float, size: float) -> tuple[list[_Row], int]:
    fits = max(1, int(high / (size * 1.45)))
    return rows[:fits], max(0, len(rows) - fits)


def _place(day: date) -> int:
    """The day's number in a year that has all of them: 1 March is the 61st, leap year or not."""
    return day.replace(year=_LEAP).timetuple().tm_yday


def _months(sheet: Sheet, box: Box, across: Scale) -> None:
    """Hairlines where months begin, their names in between."""
    size = sheet.look.size("label")
    starts = [_place(date(_LEAP, month, 1)) for month in range(1, 13)] + [367]
    xs = [x for day in starts for x in (across(day), across(day), GAP)]
    sheet.line(xs, [box.top, box.bottom, GAP] * len(starts), "grid", 1)
    sheet.line([box.left, box.right], [box.bottom, box.bottom], "axis", 1)
    widest = max(width(name, size) for name in months())
    whole, tight = box.wide / 12 >= widest + 0.3 * size, box.wide / 12 < size
    for month, name in enumerate(months()):
        x = across((starts[month] + starts[month + 1]) / 2)
        if not tight or month % 3 == 0:
            said = name if whole else name[0]
            sheet.text(x, box.bottom + size * 1.35, said, size, "muted", align="center")


def _row(sheet: Sheet, row: _Row, box: Box, across: Scale, middle: float, step: float) -> None:
    """The bar with its marks, and the dots."""
    bar, unit = row.bar, sheet.look.unit
    mark = min(7 * unit, 0.62 * step)
    roomy = mark >= 3.5 * unit
    if bar:
        high = min(4 * unit, 0.4 * step) if roomy else max(0.7 * step, 0.8)
        start, end = across(_place(bar.first)), across(_place(bar.last) + 1)
        # Where no mark stands on it, one day is widened until it is seen.
        more = 0.0 if roomy else max(0.0, 3 * unit - (end - start))
        left, wide = start - more / 2, max(end - start, 1.0) + more
        sheet.block(left, middle - high / 2, wide, high, "r3" if roomy else "r4", _named(bar))
    if row.dots:
        days = [day for season in row.dots for day in (season.first, season.last)]
        names = [name for season in row.dots for name in (_named(season), Named((), _title(season)))]
        xs = [across(_place(day) + 0.5) for day in days]
        sheet.marks(xs, [middle] * len(xs), "axis", "o", 0.62 * mark, names=names)
    if bar and (roomy or bar.partial):
        _ends(sheet, bar, across, middle, max(mark, 3.5 * unit), closed=roomy)
    if bar and not row.dots and step >= 1.3 * sheet.look.size("label") and sheet.look.width >= 440:
        _dates(sheet, bar, box, across, middle)


def _ends(sheet: Sheet, bar: Season, across: Scale, middle: float, size: float, *, closed: bool) -> None:
    """A mark on the first and on the last day; hollow on one that may not stay the last."""
    first, last = (across(_place(day) + 0.5) for day in (bar.first, bar.last))
    told = [Named((), _title(bar))]
    if closed and (first != last or not bar.partial):
        sheet.marks([first], [middle], "s0", "o", size, names=told)
    if bar.partial:
        sheet.marks([last], [middle], "s0", "o", size, hollow=True, names=told)
    elif first != last:
        sheet.marks([last], [middle], "s0", "o", size, names=told)


def _dates(sheet: Sheet, bar: Season, box: Box, across: Scale, middle: float) -> None:
    """The days themselves, where they have room beside the marks."""
    size, off = sheet.look.size("small"), 7 * sheet.look.unit
    base = middle + size * 0.35
    first, last = _day(bar.first), _day(bar.last)
    left, right = across(_place(bar.first)) - off, across(_place(bar.last) + 1) + off
    if left - width(first, size) >= box.left:
        sheet.text(left, base, first, size, "muted", align="right")
    if bar.first != bar.last and right + width(last, size) <= box.right:
        sheet.text(right, base, last, size, "muted")


def _day(day: date) -> str:
    return date_in_words(day.month, day.day)


def _title(season: Season) -> str:
    days = _("%(first)s to %(last)s", first=_day(season.first), last=_day(season.last))
    told = _("%(name)s, %(year)s: %(days)s", name=clean(season.name), year=season.year, days=days)
    return so_far(told) if season.partial else told


def _named(season: Season) -> Named:
    attributes = [("data-date", str(season.year)), ("data-species", clean(season.name))]
    attributes += [("data-first", season.first.isoformat()), ("data-last", season.last.isoformat())]
    if season.partial:
        attributes.append(("data-partial", "true"))
    return Named(tuple(attributes), _title(season))
