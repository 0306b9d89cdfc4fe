"""The text of coordinates -> decimal degrees: 48.2083, 48,2083 N, 48°12'30"N; knows no issue and no limit."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[+-]?\d+(?:\.\d*)?(?:E[+-]?\d{1,2})?\Z")
_ANGLE = re.compile(
    r"(?P<before>[NSEW])?\s*(?P<sign>[+-])?"
    r"(?P<d>\d{1,3}(?:\.\d+)?)(?:\s*[°º˚:]\s*|\s+|(?=[NSEW]|\Z))"
    r"(?:(?P<m>\d{1,2}(?:\.\d+)?)(?:\s*['′’´:]\s*|\s+|(?=[NSEW]|\Z))"
    r"(?:(?P<s>\d{1,2}(?:\.\d+)?)\s*(?:[\"″”]|''|′′|’’)?\s*)?)?"
    r"(?P<after>[NSEW])?\Z"
)
_LONGEST = 60


def degrees(text: str) -> tuple[float | None, str]:
    """Decimal degrees, south and west below 0, and the axis that a letter tells: N, E or '' for none.

    None for what is no angle. The letter O is none of the four: it is the east of some languages and the west
    of others.
    """
    text = text.strip().replace(",", ".").replace("\u2212", "-").upper()
    if _PLAIN.match(text):
        return float(text), ""
    found = _ANGLE.match(text) if len(text) <= _LONGEST else None
    if not found:
        return None, ""
    side = found["before"] or found["after"] or ""
    axis = {"N": "N", "S": "N", "E": "E", "W": "E", "": ""}[side]
    angle = _angle(found)
    negative = found["sign"] == "-"
    if angle is None or (found["before"] and found["after"]) or (negative and side in ("N", "E")):
        return None, axis
    return (-angle if negative or side in ("S", "W") else angle), axis


def _angle(found: re.Match[str]) -> float | None:
    parts = [found["d"], found["m"], found["s"]]
    given = [part for part in parts if part]
    if any("." in part for part in given[:-1]) or any(float(part) >= 60 for part in given[1:]):
        return None
    return sum(float(part) / size for part, size in zip(given, (1, 60, 3600), strict=False))


_DOT, _COMMA = (rf"[+-]?\d{{1,3}}(?:{mark}\d+)?" for mark in (r"\.", ","))
_PAIRS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"POINT ?\(\s*(?P<east>{_DOT})\s+(?P<north>{_DOT})\s*\)\Z",
        rf"(?P<north>{_DOT})\s*[,;/|\s]\s*(?P<east>{_DOT})\Z",
        rf"(?P<north>{_COMMA})(?:\s*[;/|]\s*|,?\s+)(?P<east>{_COMMA})\Z",
        r"(?P<north>[^NSEW]+[NS])[\s,;/|]*(?P<east>[^NSEW]+[EW])\Z",
        r"(?P<north>[NS][^NSEW]+?)[\s,;/|]*(?P<east>[EW][^NSEW]+)\Z",
    )
)


def pair(text: str) -> tuple[str, str] | None:
    """The texts of latitude and longitude in one cell, in this order unless letters tell another; or None."""
    text = text.strip().strip("()[]").strip() if not text.lstrip()[:1].isalpha() else text.strip()
    if len(text) > _LONGEST:
        return None
    for pattern in _PAIRS:
        if found := pattern.match(text):
            return found["north"].strip(), found["east"].strip()
    return None
