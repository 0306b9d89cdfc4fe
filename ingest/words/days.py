"""Dates as people write them -> intervals of days, integers YYYYMMDD as in ``db``; knows no columns."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Literal
from zoneinfo import ZoneInfo

from ingest.words import months

Order = Literal["YMD", "DMY", "MDY"]


class NotADate(ValueError):
    """The text is no date, or no date that exists; the message says which."""


@dataclass(frozen=True, slots=True)
class When:
    """An interval of days, both ends inclusive, and the local wall time if one was given."""

    first_day: int
    last_day: int
    time_of_day: int | None = None
    """Seconds after midnight."""
    utc_offset: int | None = None
    """Minutes."""


_TIME = (
    r"(?:[T ,]+(?P<h>\d{1,2}):(?P<mi>\d{2})(?::(?P<s>\d{2})(?:[.,]\d+)?)?\s*(?P<ap>[AaPp]\.?[Mm]\.?)?"
    r"(?:\s+(?!UTC|GMT)(?:[A-Z]{3,5}|Uhr)\b)?)?"  # CEST: many zones have the same three letters
)
_ZONE = r"\s*(?P<z>(?:UTC|GMT)?[+-]\d{2}:?\d{2}|[+-]\d{2}|Z|UTC|GMT)?(?:\s*\([^()]{1,40}\))?"
_ISO = re.compile(
    rf"(?P<y>\d{{4}})(?:(?P<by>[-/.])(?P<m>\d{{1,2}})(?:(?P=by)(?P<d>\d{{1,2}}){_TIME}{_ZONE})?)?\Z"
)
_COMPACT = re.compile(
    r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?:[T_ ](?P<h>\d{2}):?(?P<mi>\d{2}):?(?P<s>\d{2})?(?P<z>Z)?)?\Z"
)
_SHORT = re.compile(rf"(?P<a>\d{{1,2}})[-/.](?P<b>\d{{1,2}})[-/.](?P<y>\d{{4}}|\d{{2}}){_TIME}{_ZONE}\Z")
_MONTH_OF_YEAR = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})\Z")
_NAME = r"[^\W\d_]{3,10}"
_TH = r"(?:st|nd|rd|th|er|e|º)?"
_OF = r"(?:of |de |del |di )?"
_NAMED = tuple(
    re.compile(rf"{pattern}{_TIME}{_ZONE}\Z")
    for pattern in (
        rf"(?P<d>\d{{1,2}}){_TH}[ .,/-]+{_OF}(?P<mon>{_NAME})[ .,/-]+{_OF}(?P<y>\d{{4}}|\d{{2}}(?!\d|:))",
        rf"(?P<mon>{_NAME})[ .-]+(?P<d>\d{{1,2}}){_TH}[ .,-]+(?P<y>\d{{4}})",
        rf"(?P<mon>{_NAME})[ .,/-]+{_OF}(?P<y>\d{{4}})",
        rf"(?P<y>\d{{4}})[ ./-]+(?P<mon>{_NAME})(?:[ ./-]+(?P<d>\d{{1,2}}))?",
    )
)
_RANGE = re.compile(r"/|\s+(?:[-–—]|to|bis|au|tot)\s+")
_SHORT_END = re.compile(r"(?:(?P<m>\d{1,2})-)?(?P<d>\d{1,2})\Z|(?P<clock>\d{1,2}:\d{2})")
_DAY_NUMBER = re.compile(r"[1-6]\d{4}(?:[.,]\d+)?\Z")


def parse(text: str, order: Order | None = None, zone: ZoneInfo | None = None) -> When:
    """A date, a month, a year or an interval of these (ISO 8601, or day and month in the given order).

    A month may be a name. With ``zone``, a time that carries its offset is moved into that zone; otherwise
    the day and the wall time stand as they were written. A time of exactly midnight is how databases write
    "no time". Raises NotADate.
    """
    text = _bare(text)
    when = _single(text, order, zone)
    if when is None and len(ends := _RANGE.split(text, maxsplit=2)) == 2:
        when = _interval(ends[0].strip(), ends[1].strip(), text, order, zone)
    if when is None:
        raise NotADate(f"{text[:40]!r} is not a date")
    return when


def is_day_number(text: str) -> bool:
    """Whether this may be a date as spreadsheets keep it: days since 1900, or since 1904 on older Macs."""
    return bool(_DAY_NUMBER.match(text))


def _bare(text: str) -> str:
    """The text without quotes and without the weekday before it."""
    text = text.strip().strip('"')
    word, _, rest = text.partition(" ")
    if not text[:1].isalpha() or not months.is_weekday(word):
        return text
    if months.month(word) and not any(map(months.month, re.findall(_NAME, rest))):
        return text  # Mar may be Tuesday or March: it is March unless another month follows
    return rest.strip()


def _single(text: str, order: Order | None, zone: ZoneInfo | None) -> When | None:
    if found := _ISO.match(text) or _COMPACT.match(text) or _MONTH_OF_YEAR.match(text):
        parts = found.groupdict()
        return _when(int(parts["y"]), _int(parts["m"]), _int(parts.get("d")), parts, text, zone)
    if found := _SHORT.match(text):
        return _short(found, order, text, zone)
    for pattern in _NAMED:
        if (found := pattern.match(text)) and (month := months.month(found["mon"])):
            parts = found.groupdict()
            return _when(_year(found["y"]), month, _int(parts.get("d")), parts, text, zone)
    return None


def _year(digits: str) -> int:
    # Of two digits POSIX's pivot: 69-99 are the 1900s. A year that is written so can be no older.
    return int(digits) + (0 if len(digits) == 4 else 1900 if int(digits) >= 69 else 2000)


def _short(found: re.Match[str], order: Order | None, text: str, zone: ZoneInfo | None) -> When:
    one, two = int(found["a"]), int(found["b"])
    if order is None and one != two:
        raise NotADate(f"{text[:40]!r} may be day/month or month/day")
    if order == "YMD" and len(found["y"]) == 4:
        raise NotADate(f"{text[:40]!r} does not begin with its year")
    if order == "YMD":
        return _when(_year(found["a"].zfill(2)), two, int(found["y"]), found.groupdict(), text, zone)
    day, month = (two, one) if order == "MDY" else (one, two)
    return _when(_year(found["y"]), month, day, found.groupdict(), text, zone)


def _interval(start: str, end: str, text: str, order: Order | None, zone: ZoneInfo | None) -> When:
    first = parse(start, order, zone)
    last = (
        _short_end(first, start, short, text) if (short := _SHORT_END.match(end)) else parse(end, order, zone)
    )
    if last.last_day < first.first_day:
        raise NotADate(f"{text[:60]!r} ends before it begins")
    return When(first.first_day, last.last_day, first.time_of_day, first.utc_offset)


def _short_end(first: When, start: str, end: re.Match[str], text: str) -> When:
    """ISO 8601 lets the end leave out what it shares with the start: 2007-11-13/15, 2007-03/05."""
    if end["clock"]:
        return first
    year, month, day = first.first_day // 10_000, first.first_day // 100 % 100, int(end["d"])
    if start.count("-") == 1:
        return When(*span(year, day, None, text))
    return When(*span(year, _int(end["m"]) or month, day, text))


def _int(text: str | None) -> int | None:
    return int(text) if text else None


def _when(
    year: int,
    month: int | None,
    day: int | None,
    parts: dict[str, str | None],
    text: str,
    zone: ZoneInfo | None,
) -> When:
    first, last = span(year, month, day, text)
    if not parts.get("h") or first != last:
        return When(first, last)
    half = parts.get("ap")
    seconds = clock(int(parts["h"] or 0), int(parts["mi"] or 0), int(parts["s"] or 0), half, text)
    offset = _offset(parts.get("z"))
    if seconds == 0 and not half:
        return When(first, last)
    if zone is not None:
        return _in_zone(first, seconds, offset, zone)
    return When(first, last, seconds, offset)


def span(year: int, month: int | None, day: int | None, text: str = "") -> tuple[int, int]:
    """The first and last day of a year, a month or a day. Raises NotADate for one that does not exist."""
    said = text[:40] or "-".join(str(part) for part in (year, month, day) if part is not None)
    if not 1000 <= year <= 9999:
        raise NotADate(f"{said!r} has no year that can be right")
    if month is None:
        return year * 10_000 + 101, year * 10_000 + 1231
    if not 1 <= month <= 12:
        raise NotADate(f"{said!r} has no month {month}")
    days = monthrange(year, month)[1]
    base = year * 10_000 + month * 100
    if day is None:
        return base + 1, base + days
    if not 1 <= day <= days:
        raise NotADate(f"{said!r} is a day that does not exist")
    return base + day, base + day


def clock(hours: int, minutes: int, seconds: int, half: str | None, text: str) -> int:
    """A wall time as seconds after midnight; ``half`` is AM or PM. A leap second is the second before it."""
    if half:
        if not 1 <= hours <= 12:
            raise NotADate(f"{text[:40]!r} has no hour {hours}")
        hours = hours % 12 + (12 if half.lower().startswith("p") else 0)
    if hours > 23 or minutes > 59 or seconds > 60:
        raise NotADate(f"{text[:40]!r} has a time that does not exist")
    return hours * 3600 + minutes * 60 + min(seconds, 59)


_CLOCK = re.compile(
    r"(?P<h>\d{1,2})[:hH]?(?P<mi>\d{2})(?::?(?P<s>\d{2})(?:\.\d+)?)?(?:\s*Uhr)?"
    r"\s*(?P<ap>[AaPp]\.?[Mm]\.?)?\s*(?P<z>Z|[+-]\d{2}:?\d{2})?\Z"
)
_HOURS = re.compile(r"\d{1,2}\.\d+\Z|\d{1,2}\Z")


def parse_time(text: str) -> tuple[int, int | None]:
    """A time of day (14:05, 1405, 2:05 PM, 8.5) as seconds after midnight and its offset. Raises NotADate.

    0.5 is refused: half past midnight in hours, noon in the days of a spreadsheet.
    """
    text = text.strip().partition("/")[0]
    if text.startswith("0.") and text.strip("0."):
        raise NotADate(f"{text[:40]!r} may be part of an hour or of a day")
    if _HOURS.match(text) and float(text) < 24:
        return round(float(text) * 3600), None
    found = _CLOCK.match(text)
    if not found:
        raise NotADate(f"{text[:40]!r} is not a time of day")
    seconds = clock(int(found["h"]), int(found["mi"]), int(found["s"] or 0), found["ap"], text)
    return seconds, _offset(found["z"])


def _offset(text: str | None) -> int | None:
    if not text:
        return None
    text = text.lstrip("ZUTCGM")
    if not text:
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    if minutes > 18 * 60:
        raise NotADate(f"{text!r} is no offset from UTC")
    return -minutes if text[0] == "-" else minutes


def _in_zone(day: int, seconds: int, offset: int | None, zone: ZoneInfo) -> When:
    written = datetime(day // 10_000, day // 100 % 100, day % 100) + timedelta(seconds=seconds)
    if offset is None:
        local = written.replace(tzinfo=zone)
    else:
        try:
            local = written.replace(tzinfo=timezone(timedelta(minutes=offset))).astimezone(zone)
        except OverflowError:
            raise NotADate(f"{day} lies at the end of time") from None
    moved = local.year * 10_000 + local.month * 100 + local.day
    shift = local.utcoffset()
    seconds = local.hour * 3600 + local.minute * 60 + local.second
    return When(moved, moved, seconds, int(shift.total_seconds() // 60) if shift is not None else None)


_TYPOS = 0.01  # so much evidence against the rest is a slip of the pen; more is another order


def order_of(values: Iterable[tuple[str, str, str]]) -> Order | Literal["undecided"] | None:
    """Day/month order by evidence, from (date, day column, month column), '' for no such column.

    None where no value needs it; "undecided" where some do and none tells, or where they tell different
    things: a date is never guessed.
    """
    needed, day_first, month_first = False, 0, 0
    for text, day, month in values:
        found = _SHORT.match(_bare(text))
        if not found:
            continue
        one, two, year = int(found["a"]), int(found["b"]), found["y"]
        needed = needed or one != two
        said = (int(day), int(month)) if day.strip().isdecimal() and month.strip().isdecimal() else None
        if two > 12 or (one != two and said == (two, one)):
            month_first += 1
        elif said == (one, two) and one != two:
            day_first += 1
        elif one > 12 and (len(year) == 4 or int(year) > 31):
            # With a year of two digits the first part may be the year: 24-05-13.
            day_first += 1
    most, least = max(day_first, month_first), min(day_first, month_first)
    if most == 0 or least > _TYPOS * most:
        return "undecided" if needed else None
    return "DMY" if day_first == most else "MDY"


def latest_likely() -> int:
    """Tomorrow, as it is tomorrow somewhere: what lies beyond is unlikely (GBIF's RECORDED_DATE_UNLIKELY)."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    return tomorrow.year * 10_000 + tomorrow.month * 100 + tomorrow.day
