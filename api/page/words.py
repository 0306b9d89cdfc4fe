"""Numbers and dates as people read them on the page; knows neither the web nor the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from api import speech
from api.draw.words import THIN, number
from api.page.speech import _, ngettext
from api.speech import date_in_words, span

NARROW = "\u202f"
"""The thin space that does not break."""
_ONE_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def amount(value: float) -> str:
    """20240 as 20 240, as the charts write it, with a thin space that does not break."""
    return number(value).replace(THIN, NARROW)


def counted(value: float, unit: str) -> str:
    """1 record, 2 records; ``unit`` is the plural."""
    return speech.counted(value, amount(value), unit)


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    if len(names) < 2:
        return "".join(names)
    return _("%(some)s and %(last)s", some=", ".join(names[:-1]), last=names[-1])


def day(written: object) -> str:
    """A date of Darwin Core as words: 2021, May 2021, 3 May 2021, 3 May 2021 to 1 June 2021."""
    ends = [_one(part) for part in str(written or "").split("/")]
    return span(ends[0], ends[-1])


def _one(written: str) -> str:
    parts = written.split("-")
    if len(parts) == 1 or not all(part.isdecimal() for part in parts):
        return written
    year, month, *rest = map(int, parts)
    return date_in_words(month, rest[0] if rest else None, year)


def ago(written: object, today: date) -> str:
    """How long a day has gone: today, yesterday, 12 days ago; nothing where it is not exactly known."""
    if not _ONE_DAY.fullmatch(str(written or "")):
        return ""
    days = (today - date.fromisoformat(str(written))).days
    if days in (0, 1):
        return (_("today"), _("yesterday"))[days]
    return ngettext("%(num)s day ago", "%(num)s days ago", days, num=amount(days)) if days > 1 else ""


def moment(written: str | None, zone: ZoneInfo) -> str:
    """A moment (ISO 8601, UTC) on the clock of a zone: 22 Nov 2026, 08:42."""
    if not written:
        return ""
    there = datetime.fromisoformat(written).astimezone(zone)
    return f"{date_in_words(there.month, there.day, there.year)}, {there:%H:%M}"


def years(first: object, last: object) -> str:
    """The years from one date to another: 2010–2026, or 2026."""
    ends = str(first or "")[:4], str(last or "").rpartition("/")[2][:4]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)
