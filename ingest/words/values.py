"""Single values -> what they mean, with GBIF's issue names for what is doubtful; knows no dates."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

from ingest.words.degrees import degrees

MISSING = frozenset({"", "NA", "N/A", "NULL", "null", "None", "none", "nan", "NaN", "-"})
"""How systems write "nothing" in a column of numbers. Among names NA may be Namibia: only '' is nothing."""

_UNFIT = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
_BLANKS = re.compile(r"\s+")
GEOSPATIAL = frozenset(
    {
        "ZERO_COORDINATE",
        "COORDINATE_OUT_OF_RANGE",
        "COORDINATE_INVALID",
        "COUNTRY_COORDINATE_MISMATCH",
        "PRESUMED_SWAPPED_COORDINATE",
        "PRESUMED_NEGATED_LONGITUDE",
        "PRESUMED_NEGATED_LATITUDE",
    }
)
"""GBIF's rules for keeping a record out of maps (gbif-api, OccurrenceIssue.GEOSPATIAL_RULES)."""


def clean(text: str) -> str:
    """A name or label fit for every database and picture: NFC, single blanks, no control characters.

    Nor those that turn the direction of writing: what follows a label must not be turned with it.
    """
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", _UNFIT.sub("", text))).strip()


def storable(text: str) -> str:
    """Verbatim text as far as both databases can hold it: without NUL and lone surrogates, else untouched."""
    return re.sub(r"[\x00\ud800-\udfff]", "\ufffd", text)


_NUMBER = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?\Z")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:(?:,\d{3})+|(?:[ \u00a0\u2009\u202f'’]\d{3})+)(?:\.\d+)?\Z")
_OTHER_MARK = re.compile(r"[+-]?\d+,\d*\Z")
_SWAPPED = str.maketrans(",.", ".,")
_MOST = 1e12


def number(text: str, decimal_comma: bool = False) -> float | None:
    """A finite number, whatever marks its thousands and its decimals; None if it is none.

    1,234 is a thousand and 1.234 is not, unless the table writes its decimals with a comma: then it is the
    other way round. Blanks and apostrophes mark thousands everywhere, and 1,5 is one and a half everywhere.
    """
    text = text.strip()
    if decimal_comma:
        text = text.translate(_SWAPPED)
    if not _NUMBER.match(text):
        if _THOUSANDS.match(text):
            text = re.sub(r"[^\d.+-]", "", text)
        elif _OTHER_MARK.match(text):
            text = text.replace(",", ".")
        else:
            return None
    value = float(text)
    return value if math.isfinite(value) else None


_ABOUT = re.compile(r"(?:~|≈|>=?|≥|ca\.?|c\.|about|min\.?)\s*(\d[^+?]*)|(\d[^+?]*?)\s*[+?]", re.IGNORECASE)


def count(text: str, decimal_comma: bool = False) -> tuple[float | None, str]:
    """A count and its issue: nothing given is "not counted"; ``X``, ``many`` or 8-Jul too, but flagged.

    What says "at least" or "about" (3+, ~10, >1) is the number that it names, flagged: to count a flock of
    200+ as one animal, as what is not counted is, would be further from the truth. A number below 0 or beyond
    all animals of a kind (10^12) is none.
    """
    text = text.strip()
    if text in MISSING:
        return None, ""
    value = number(text, decimal_comma)
    issue = ""
    if value is None and (about := _ABOUT.fullmatch(text)):
        # Of "more than none" the number says nothing.
        value, issue = number(about[1] or about[2], decimal_comma) or None, "INDIVIDUAL_COUNT_INVALID"
    if value is None or not 0 <= value <= _MOST:
        return None, "INDIVIDUAL_COUNT_INVALID"
    return abs(value), issue


_PRESENT = {"present", "detected", "presence", "1", "true", "yes"}
_ABSENT = {"absent", "notdetected", "not detected", "absence", "0", "false", "no"}


def is_absent(status: str, counted: float | None) -> tuple[bool, str]:
    """Whether nothing was found there, by occurrenceStatus and by a count of 0, and the issue with that."""
    word = status.strip().casefold()
    nothing = counted == 0
    if word in _ABSENT:
        return True, "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS" if counted else ""
    if word in _PRESENT:
        return nothing, "INDIVIDUAL_COUNT_CONFLICTS_WITH_OCCURRENCE_STATUS" if nothing else ""
    if word:
        return nothing, "OCCURRENCE_STATUS_UNPARSABLE"
    return nothing, "OCCURRENCE_STATUS_INFERRED_FROM_INDIVIDUAL_COUNT" if nothing else ""


_BASES = {
    name.replace("_", ""): name
    for name in (
        "HUMAN_OBSERVATION",
        "MACHINE_OBSERVATION",
        "OBSERVATION",
        "PRESERVED_SPECIMEN",
        "FOSSIL_SPECIMEN",
        "LIVING_SPECIMEN",
        "MATERIAL_SAMPLE",
        "MATERIAL_CITATION",
        "OCCURRENCE",
    )
} | {"SPECIMEN": "PRESERVED_SPECIMEN"}


def basis_of_record(text: str) -> tuple[str | None, str]:
    """GBIF's name of it and its issue; Darwin Core's spelling (HumanObservation) is understood too."""
    if not text.strip():
        return None, ""
    found = _BASES.get(re.sub(r"[\W_]", "", text).upper())
    return (found, "") if found else (None, "BASIS_OF_RECORD_INVALID")


@dataclass(frozen=True, slots=True)
class Position:
    """A place on the globe as far as it was understood, WGS 84 degrees and metres."""

    latitude: float | None = None
    longitude: float | None = None
    uncertainty: float | None = None
    issues: tuple[str, ...] = ()


def position(latitude: str, longitude: str, uncertainty: str, given: str = "") -> Position:
    """Coordinates with GBIF's issues; those that the source itself gives (``;``-separated) are kept."""
    issues = re.findall(r"[A-Z][A-Z0-9_]+", given)
    metres = number(uncertainty) if uncertainty.strip() not in MISSING else None
    if uncertainty.strip() not in MISSING and (metres is None or metres <= 0):
        issues.append("COORDINATE_UNCERTAINTY_METERS_INVALID")
        metres = None
    if latitude.strip() in MISSING and longitude.strip() in MISSING:
        return Position(None, None, metres, tuple(dict.fromkeys(issues)))
    (north, one), (east, other) = degrees(latitude), degrees(longitude)
    north, east, issue = _on_globe(north, east, swapped=one == "E" or other == "N")
    return Position(north, east, metres, tuple(dict.fromkeys([*issues, *([issue] if issue else [])])))


NOWHERE = (-1.0, -1.0)
"""What systems write for "no position", though it is one in the sea off Ghana."""


def _on_globe(
    north: float | None, east: float | None, swapped: bool
) -> tuple[float | None, float | None, str]:
    """The position where it can be right, and the issue where it cannot, or is only presumed.

    Projected metres, and degrees that lost their decimal point, are out of range: GBIF's name for numbers
    that stand for degrees and cannot be any. Its COORDINATE_REPROJECTION_FAILED needs a datum that is named.
    """
    if north is None or east is None or (north, east) == NOWHERE:
        return None, None, "COORDINATE_INVALID"
    if swapped or (abs(north) > 90 and abs(east) <= 90 and abs(north) <= 180):
        return None, None, "PRESUMED_SWAPPED_COORDINATE"
    if abs(north) > 90 or abs(east) > 180:
        return None, None, "COORDINATE_OUT_OF_RANGE"
    return north, east, "ZERO_COORDINATE" if north == 0 and east == 0 else ""


def country(text: str) -> tuple[str, str]:
    """An ISO 3166-1 alpha-2 code in capitals, NA among them: Namibia; anything else stays as it is, flagged.

    A word for nothing (null, None) stays too, but claims no country that could be invalid.
    """
    word = clean(text)
    if re.fullmatch(r"[A-Za-z]{2}", word):
        return word.upper(), ""
    return word, "" if word in MISSING else "COUNTRY_INVALID"
