"""Dates as people write them in the language that is spoken. Knows no calendar but the usual one."""

from __future__ import annotations

from datetime import date
from functools import cache, lru_cache

from api.speech.catalogues import ENGLISH
from api.speech.texts import _, language
from api.speech.tongues import locale

# Written out, because the server's locale must not matter.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def months() -> tuple[str, ...]:
    """The short names of the months, as they stand alone: on an axis."""
    return _MONTHS if language() == ENGLISH else _months(language())


@cache
def _months(tag: str) -> tuple[str, ...]:
    from babel.dates import get_month_names

    names = get_month_names("abbreviated", "stand-alone", locale(tag))
    return tuple(str(names[month]) for month in range(1, 13))


def weekdays() -> tuple[str, ...]:
    """The short names of the days of the week, Monday first, as they stand alone."""
    return _WEEKDAYS if language() == ENGLISH else _weekdays(language())


@cache
def _weekdays(tag: str) -> tuple[str, ...]:
    from babel.dates import get_day_names

    names = get_day_names("abbreviated", "stand-alone", locale(tag))
    return tuple(str(names[day]) for day in range(7))


def date_in_words(month: int, day: int | None = None, year: int | None = None) -> str:
    """3 May 2021, May 2021, or 3 May, in the order and with the signs of the language."""
    if language() == ENGLISH:
        parts = (day, _MONTHS[month - 1], year)
        return " ".join(str(part) for part in parts if part is not None)
    return _in_words(language(), month, day, year)


@lru_cache(4096)
def _in_words(tag: str, month: int, day: int | None, year: int | None) -> str:
    from babel.dates import format_skeleton

    shape = f"{'y' if year is not None else ''}MMM{'d' if day is not None else ''}"
    return format_skeleton(shape, date(year or 2000, month, day or 1), locale=locale(tag))


def span(first: str, last: str) -> str:
    """From one date to another, both in words; the one, where they are the same."""
    return first if first == last else _("%(first)s to %(last)s", first=first, last=last)
