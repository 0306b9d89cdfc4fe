"""The axis of time: where its ticks lie and what they say, from a day to centuries. Draws nothing."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from api.draw.words import width
from api.speech import _, date_in_words, months

_DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.44, "year": 365.25}
_STEPS = {
    "hour": (1, 2, 3, 6, 12),
    "day": (1, 2, 7, 14),
    "week": (1, 2, 4),
    "month": (1, 2, 3, 6),
    "year": (1, 2, 5, 10, 20, 25, 50, 100, 200, 500, 1000, 2000, 5000),
}
_COARSER = {
    "hour": ("hour", "day", "month", "year"),
    "day": ("day", "month", "year"),
    "week": ("week", "month", "year"),
    "month": ("month", "year"),
    "year": ("year",),
}
MOST = 14  # more labels than this are noise, however wide the chart


@dataclass(frozen=True)
class Tick:
    """A moment with its label, and what the label leaves out (the year of a month)."""

    at: float
    label: str
    context: str = ""


def moment(when: date) -> float:
    """Days since the year 1; an hour is a fraction. Wall time: offsets were settled before."""
    if isinstance(when, datetime):
        return when.toordinal() + (when.hour * 60 + when.minute) / 1440
    return float(when.toordinal())


def time_ticks(first: date, last: date, interval: str, most: float, em: float) -> list[Tick]:
    """The finest ticks that are no finer than the interval and fit: `most` pixels wide, `em` a letter."""
    span = moment(last) - moment(first)
    for unit in _COARSER.get(interval, ("day", "month", "year")):
        for step in _STEPS[unit]:
            count = span / (_DAYS[unit] * step) + 1
            needed = count * (_letters(unit) * 0.62 + 1.1) * em
            if count <= MOST and (needed <= most or count < 2):
                ticks = list(_ticks(first, last, unit, step))
                return ticks or _ends(first, interval)
    return _ends(first, interval)


def _letters(unit: str) -> int:
    """How long the longest label of a unit is."""
    if unit == "month":
        return max(map(len, months()))
    return len({"hour": "00:00", "day": "00", "week": _week(0), "year": "0000"}[unit])


def month_width(size: float) -> float:
    """What the name of a month may take: as much as it does in most languages, or more where it is longer."""
    return max(width(name, size) for name in ("Mmm", *months()))


def _week(number: int) -> str:
    two = f"{number:02d}"
    return _("W%(week)s", week=two)


def _ends(first: date, interval: str) -> list[Tick]:
    """A span without a round moment in it is named by its first day."""
    return list(_ticks(first, first, interval if interval in _DAYS else "day", 1))


def _ticks(first: date, last: date, unit: str, step: int) -> Iterator[Tick]:
    for when in _moments(first, last, unit, step):
        yield Tick(moment(when), *_say(when, unit))


def _moments(first: date, last: date, unit: str, step: int) -> Iterator[date]:
    if unit == "hour":
        start = first if isinstance(first, datetime) else datetime(first.year, first.month, first.day)
        hours = math.floor((moment(last) - moment(first)) * 24 + 1e-6)
        every = (start + timedelta(hours=hour) for hour in range(hours + 1))
        yield from (when for when in every if when.hour % step == 0)
    elif unit in ("month", "year"):
        months = step if unit == "month" else step * 12
        floor, ceiling = first.year * 12 + first.month - 1, last.year * 12 + last.month - 1
        for month in range(-(-floor // months) * months, ceiling + 1, months):
            if month >= 12 and moment(first) <= moment(date(month // 12, month % 12 + 1, 1)) <= moment(last):
                yield date(month // 12, month % 12 + 1, 1)
    else:
        yield from _days(first, last, unit, step)


def _days(first: date, last: date, unit: str, step: int) -> Iterator[date]:
    for ordinal in range(math.ceil(moment(first)), math.floor(moment(last)) + 1):
        day = date.fromordinal(ordinal)
        if unit == "week":
            # Counted from the first bucket, whose start is the Monday that every other week is counted from.
            chosen = (ordinal - math.ceil(moment(first))) % (7 * step) == 0
        else:
            # Within the month, so that the first of a month is always there; no 29th beside it.
            chosen = (day.day - 1) % step == 0 and (step == 1 or day.day <= 29 - step // 2)
        if chosen:
            yield day


def _say(when: date, unit: str) -> tuple[str, str]:
    if unit == "hour":
        return f"{getattr(when, 'hour', 0):02d}:00", date_in_words(when.month, when.day, when.year)
    if unit == "day":
        return str(when.day), date_in_words(when.month, year=when.year)
    if unit == "week":
        year, week, _day = when.isocalendar()
        return _week(week), str(year)
    if unit == "month":
        return months()[when.month - 1], str(when.year)
    return str(when.year), ""


def contexts(ticks: Sequence[Tick]) -> list[tuple[int, str]]:
    """Index and context of every tick where the context changes."""
    return [
        (index, tick.context)
        for index, tick in enumerate(ticks)
        if tick.context and (not index or ticks[index - 1].context != tick.context)
    ]
