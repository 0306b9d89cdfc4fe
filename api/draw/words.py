"""The words on a chart: cleaned, measured, shortened, numbers written out. Knows nothing of drawing."""

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from api.speech import _, decimal, later, ngettext

THIN = "\u2009"  # thin space, the separator of thousands
ELLIPSIS = "\u2026"
NAMELESS = later("(no name)")
BOLD = 1.16  # how much wider bold type is than `width` says

_LARGE = ((1e9, 1e9, later("bn")), (1e6, 1e6, later("M")), (1e4, 1e3, later("k")))
"""From which number on an axis is written in which unit, and what that is called."""
_BLANK = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
# C0 and C1 controls, surrogates and non-characters are not XML or kill the encoder; embedding controls
# (U+202A-E, U+2066-9) would let one name turn its neighbours around.
_FORBIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufdd0-\ufdef\ufffe\uffff"
    + "".join(chr(plane << 16 | 0xFFFE) + chr(plane << 16 | 0xFFFF) for plane in range(1, 17))
    + "]"
)


@dataclass(frozen=True)
class Words:
    """What a chart says. `footer` items come most important first: small charts drop the last ones."""

    title: str
    subtitle: str = ""
    measure: str = ""
    footer: tuple[str, ...] = ()
    description: str = ""


def clean(text: object, limit: int = 60) -> str:
    """The text as it may be drawn: one line, no controls or non-characters, at most `limit` characters."""
    # Sliced before the expressions run: a label of a megabyte costs as much as one of a thousand characters.
    plain = _FORBIDDEN.sub("", _BLANK.sub(" ", str(text)[: limit * 4 + 64])).strip()
    return plain if len(plain) <= limit else _cut(plain, limit)


def _cut(text: str, length: int) -> str:
    """At most `length` characters with an ellipsis, never leaving half of a combined character behind."""
    end = max(0, length - 1)
    while end and (unicodedata.combining(text[end]) or text[end] == "\u200d" or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def _advance(char: str) -> float:
    """Width of one character in em: between Arial and the wider DejaVu, so that either fits."""
    for chars, width in (("ijl.,:;'!| \u2009", 0.3), ('ftr()[]/-I"', 0.42), ("mw%", 0.92), ("MW@", 0.98)):
        if char in chars:
            return width
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    return 0.71 if char.isupper() else 0.6


@lru_cache(maxsize=4096)
def width(text: str, size: float) -> float:
    """About how wide the text will be, in the unit of `size`. No font is opened: the reader's decides."""
    return size * sum(map(_advance, text))


def fit(text: str, size: float, room: float) -> str:
    """The text, shortened with an ellipsis until it is at most `room` wide."""
    room += 0.01  # a column as wide as its text must not lose to rounding
    length = len(text)
    while length > 1 and width(text, size) > room:
        length -= 1
        text = _cut(text, length)
    return text


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """Words set in at most `most` lines of `room`; what is left over ends in an ellipsis."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width(longer, size) <= room or len(lines) == most:
            lines[-1] = longer
        elif lines[-1]:
            lines.append(word)
        else:
            lines[-1] = word
    return [fit(line, size, room) for line in lines if line]


def number(value: float) -> str:
    """A number for a reader: 1 234 567 with thin spaces, fractions to three figures."""
    if not math.isfinite(value):
        return "\u2013"
    if value == round(value):
        return _grouped(value, 0)
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return _grouped(value, decimals)


def exactly(value: float) -> str:
    """A number for a reader with all its digits, where none may be lost: 1 234.25."""
    return _signed(f"{value:,}")


def canonical(value: float) -> str:
    """A number for a program: integers without a point, else the shortest text that reads back equal."""
    return str(int(value)) if value == int(value) else repr(float(value))


def and_more(rest: int) -> str:
    """How many have no room."""
    return ngettext("and %(num)s more", "and %(num)s more", rest, num=number(rest))


def so_far(told: str) -> str:
    """What is told of a bucket that is still under way."""
    return _("%(told)s so far", told=told)


def axis_numbers(ticks: Sequence[float]) -> list[str]:
    """The labels of one axis, in one unit: 0, 500, 1 000; 0, 20k; 0, 1.5M; 0.25."""
    top = max(map(abs, ticks))
    factor, unit = next(((factor, _(unit)) for least, factor, unit in _LARGE if top >= least), (1.0, ""))
    scaled = [round(tick / factor, 9) for tick in ticks]
    decimals = next((d for d in range(9) if all(abs(round(s, d) - s) < 1e-9 for s in scaled)), 9)
    return [_grouped(s, decimals) + unit if s else "0" for s in scaled]


def _grouped(value: float, decimals: int) -> str:
    return _signed(f"{value:,.{decimals}f}")


def _signed(plain: str) -> str:
    """Digits as Python groups them, with our thin spaces and the decimal mark of the language."""
    return decimal(plain.replace(",", THIN)).replace("-", "\u2212")
