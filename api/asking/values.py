"""How one value of a query is written and what it means: dates, ranges, names, boxes. Knows no query.

The types that begin with Written tell it to those who describe a query, all but two rules that no pattern can
hold: that a day exists, and that an end is not before its beginning.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, Literal, get_args

from pydantic import Field

from api.speech import _, languages
from db.filters import Span, last_day_of_month
from db.models import FOREVER

LONGEST = 200
"""Characters that a name may have."""

_BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_CONTROL = r"\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f"
_YEAR, _MONTH = "[1-9][0-9]{3}", "(0[1-9]|1[0-2])"
_DATE = rf"(\*|{_YEAR}(-{_MONTH}(-(0[1-9]|[12][0-9]|3[01]))?)?)"
_PART = r"(\.[0-9]{1,12})?"
_LONGITUDE = rf"-?((1[0-7][0-9]|0?[0-9]{{1,2}}){_PART}|180(\.0{{1,12}})?)"
_LATITUDE = rf"-?(0?[0-8]?[0-9]{_PART}|0?90(\.0{{1,12}})?)"

WrittenText = Annotated[
    str, Field(max_length=LONGEST, pattern=f"^[^{_CONTROL}]*[^{_CONTROL}{_BLANK}][^{_CONTROL}]*$")
]
WrittenWhole = Annotated[int, Field(ge=0, le=999_999_999)]
WrittenCountry = Annotated[str, Field(pattern="^[A-Za-z]{2}$")]
WrittenDays = Annotated[str, Field(pattern=f"^{_DATE}(,{_DATE})?$")]
WrittenYears = Annotated[str, Field(pattern=rf"^(\*|{_YEAR})(,(\*|{_YEAR}))?$")]
WrittenMonths = Annotated[str, Field(pattern=r"^(\*|0?[1-9]|1[0-2])(,(\*|0?[1-9]|1[0-2]))?$")]
WrittenBox = Annotated[str, Field(pattern=f"^{_LONGITUDE},{_LATITUDE},{_LONGITUDE},{_LATITUDE}$")]
BasisOfRecord = Literal[
    "HUMAN_OBSERVATION", "MACHINE_OBSERVATION", "OBSERVATION", "PRESERVED_SPECIMEN", "FOSSIL_SPECIMEN",
    "LIVING_SPECIMEN", "MATERIAL_SAMPLE", "MATERIAL_CITATION", "OCCURRENCE",
]  # fmt: skip

_DAY = re.compile(r"(?P<year>[1-9][0-9]{3})(-(?P<month>[0-9]{2})(-(?P<day>[0-9]{2}))?)?", re.ASCII)
_DECIMAL = re.compile(rf"-?[0-9]{{1,3}}{_PART}", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_BASES: tuple[str, ...] = get_args(BasisOfRecord)


def read_text(value: str) -> str:
    """Text as the data has it: composed characters (NFC), single blanks, at most LONGEST characters."""
    if len(value) > LONGEST:
        raise ValueError(_("is longer than %(num)s characters", num=LONGEST))
    plain = " ".join(unicodedata.normalize("NFC", value).split())
    if not plain:
        raise ValueError(_("is empty"))
    if any(unicodedata.category(character) == "Cc" for character in plain):
        raise ValueError(_("holds a control character"))
    return plain


def read_name(value: str) -> str:
    """The name of a taxon, in the one spelling that all its capitals share."""
    return read_text(value).casefold()


def read_whole(value: object) -> object:
    """A whole number in plain digits; what is no text (a default) stays as it is."""
    if not isinstance(value, str):
        return value
    if not _WHOLE.fullmatch(value):
        raise ValueError(_("must be a whole number in plain digits"))
    return int(value)


def read_language(value: str) -> str:
    """The tag of a language that is spoken here."""
    if value not in languages():
        raise ValueError(_("must be one of %(names)s", names=", ".join(languages())))
    return value


def read_country(value: str) -> str:
    """An ISO 3166-1 alpha-2 code."""
    if not re.fullmatch("[A-Za-z]{2}", value, re.ASCII):
        raise ValueError(_("must be a country code of two letters, such as NO"))
    return value.upper()


def read_basis_of_record(value: str) -> str:
    """GBIF's spelling; Darwin Core's (HumanObservation) is understood too."""
    wanted = value.replace("_", "").lower()
    for known in _BASES:
        if known.replace("_", "").lower() == wanted:
            return known
    raise ValueError(_("must be one of %(names)s", names=", ".join(_BASES)))


def read_days(value: str) -> Span:
    """``2011``, ``2011-04``, ``2011-04-30`` or two with a comma, both inclusive; ``*`` is an open end."""
    first, last = _two(value)
    span = 0 if first == "*" else _day(first)[0], FOREVER if last == "*" else _day(last)[1]
    return _in_order(span)


def _day(written: str) -> Span:
    found = _DAY.fullmatch(written)
    if not found:
        raise ValueError(_("must be a date such as 2011, 2011-04 or 2011-04-30, or two of them with a comma"))
    year, month, day = (int(part) if part else 0 for part in found.group("year", "month", "day"))
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        raise ValueError(_("is a day that no calendar has")) from None
    if day:
        return (year * 100 + month) * 100 + day, (year * 100 + month) * 100 + day
    if month:
        return (year * 100 + month) * 100 + 1, last_day_of_month(year * 100 + month)
    return year * 10_000 + 101, year * 10_000 + 1231


def read_years(value: str) -> Span:
    """``2011`` or ``2001,2011``, with ``*`` for an open end."""
    first, last = _two(value)
    for written in (first, last):
        if written != "*" and not re.fullmatch("[1-9][0-9]{3}", written, re.ASCII):
            raise ValueError(_("must be a year of four digits, or two of them with a comma"))
    return _in_order((0 if first == "*" else int(first), 9999 if last == "*" else int(last)))


def read_months(value: str) -> tuple[int, ...]:
    """``4`` or ``4,8``, with ``*`` for an open end: every month that is meant."""
    first, last = _two(value)
    for written in (first, last):
        if written != "*" and not re.fullmatch("0?[1-9]|1[0-2]", written, re.ASCII):
            raise ValueError(_("must be a month from 1 to 12, or two of them with a comma"))
    start, end = _in_order((1 if first == "*" else int(first), 12 if last == "*" else int(last)))
    return tuple(range(start, end + 1))


def _two(value: str) -> tuple[str, str]:
    parts = value.split(",")
    if len(parts) > 2:
        raise ValueError(_("has more than two ends"))
    return parts[0], parts[-1]


def _in_order(span: Span) -> Span:
    if span[0] > span[1]:
        raise ValueError(_("begins after it ends"))
    return span


def read_box(value: object) -> object:
    """``minLon,minLat,maxLon,maxLat`` in degrees; its west beyond its east, it crosses the antimeridian."""
    if not isinstance(value, str):
        return value
    parts = value.split(",")
    if len(parts) != 4 or not all(_DECIMAL.fullmatch(part) for part in parts):
        raise ValueError(_("must be minLon,minLat,maxLon,maxLat in decimal degrees"))
    west, south, east, north = (float(part) + 0.0 for part in parts)
    if max(abs(west), abs(east)) > 180 or max(abs(south), abs(north)) > 90:
        raise ValueError(_("lies outside of the world: longitudes go to 180, latitudes to 90"))
    if south > north:
        raise ValueError(_("has its south above its north"))
    return west, south, east, north


def written_box(box: tuple[float, float, float, float]) -> str:
    """A box as ``read_box`` reads it: no exponents, and no digit less than it was given."""
    return ",".join(f"{Decimal(repr(edge)):f}".removesuffix(".0") for edge in box)


def written_days(span: Span) -> str:
    """A span of days as ``read_days`` reads it."""
    first = "*" if span[0] == 0 else _iso(span[0])
    last = "*" if span[1] == FOREVER else _iso(span[1])
    return first if first == last else f"{first},{last}"


def _iso(day: int) -> str:
    return f"{day // 10_000:04}-{day // 100 % 100:02}-{day % 100:02}"


def written_years(span: Span) -> str:
    """A span of years as ``read_years`` reads it."""
    first = "*" if span[0] == 0 else str(span[0])
    last = "*" if span[1] == 9999 else str(span[1])
    return first if first == last else f"{first},{last}"
