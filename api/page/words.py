"""Numbers and dates as people read them on the page; knows neither the web nor the data."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from api.draw.words import THIN, number

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
NARROW = "\u202f"
"""The thin space that does not break."""
_ONE_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def amount(value: float) -> str:
    """20240 as 20 240, as the charts write it, with a thin space that does not break."""
    return number(value).replace(THIN, NARROW)


def counted(value: float, unit: str) -> str:
    """1 record, 2 records; ``unit`` is the plural."""
    return f"{amount(value)} {unit.removesuffix('s') if value == 1 and unit != 'species' else unit}"


def listed(names: Sequence[str]) -> str:
    """a, b and c."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def day(written: object) -> str:
    """A date of Darwin Core as words: 2021, May 2021, 3 May 2021, 3 May 2021 to 1 June 2021."""
    return " to ".join(_one(part) for part in str(written or "").split("/"))


def _one(written: str) -> str:
    parts = written.split("-")
    if len(parts) == 1 or not all(part.isdecimal() for part in parts):
        return written
    month = _MONTHS[int(parts[1]) - 1]
    return f"{int(parts[2])} {month} {parts[0]}" if len(parts) == 3 else f"{month} {parts[0]}"


def ago(written: object, today: date) -> str:
    """How long a day has gone: today, yesterday, 12 days ago; nothing where it is not exactly known."""
    if not _ONE_DAY.fullmatch(str(written or "")):
        return ""
    days = (today - date.fromisoformat(str(written))).days
    if days in (0, 1):
        return ("today", "yesterday")[days]
    return f"{amount(days)} days ago" if days > 1 else ""


def moment(written: str | None, zone: ZoneInfo) -> str:
    """A moment (ISO 8601, UTC) on the clock of a zone: 22 Nov 2026, 08:42."""
    if not written:
        return ""
    there = datetime.fromisoformat(written).astimezone(zone)
    return f"{there.day} {_MONTHS[there.month - 1]} {there.year}, {there:%H:%M}"


def years(first: object, last: object) -> str:
    """The years from one date to another: 2010–2026, or 2026."""
    ends = str(first or "")[:4], str(last or "").rpartition("/")[2][:4]
    return ends[0] if ends[0] == ends[1] else "–".join(ends)
