"""A question narrowed down to some of its days, and days before others. Knows no page and no picture."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from db.filters import Scope

NEVER = (0, 0)
"""No record has this day: no days at all would mean any."""


def among(scope: Scope, first: int, last: int) -> Scope:
    """The scope, of what it covers between two days (YYYYMMDD) alone; all else still holds."""
    given = scope.filters.days or ((first, last),)
    days = tuple(
        (max(start, first), min(end, last)) for start, end in given if start <= last and end >= first
    )
    return replace(scope, filters=replace(scope.filters, days=days or (NEVER,)))


def numbered(day: date) -> int:
    """A day as the database writes it."""
    return day.year * 10_000 + day.month * 100 + day.day


def before(day: int, days: int) -> int:
    """The day so many days earlier."""
    return numbered(date(day // 10_000, day // 100 % 100, day % 100) - timedelta(days))


def last_year(day: date) -> date:
    """The same day a year earlier; of 29 February, the one before it."""
    return date(day.year - 1, day.month, 28 if (day.month, day.day) == (2, 29) else day.day)
