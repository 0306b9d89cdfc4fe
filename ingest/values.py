"""Single values -> what they mean, with GBIF's issue names for what is doubtful; knows no dates."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass

MISSING = frozenset({"", "NA", "N/A", "NULL", "null", "None", "none", "nan", "NaN", "-"})
"""How systems write "nothing" in a column of numbers. Among names NA may be Namibia: only '' is nothing."""

_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
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
    """A name or label fit for every database and picture: NFC, single blanks, no control characters."""
    return _BLANKS.sub(" ", unicodedata.normalize("NFC", _UNFIT.sub("", text))).strip()


def storable(text: str) -> str:
    """Verbatim text as far as both databases can hold it: without NUL and lone surrogates, else untouched."""
    return re.sub(r"[\x00\ud800-\udfff]", "\ufffd", text)


_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+\Z|\d{1,3}(?:[   ]\d{3})+\Z")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d*)?(?:[eE][+-]?\d{1,2})?\Z")
_MOST = 1e12


def number(text: str, decimal_comma: bool = False) -> float | None:
    """A finite number, with a decimal comma or thousands separators if need be; None if it is none.

    1,234 is read as a thousand unless the table writes its decimals with a comma.
    """
    text = text.strip()
    if not decimal_comma and _THOUSANDS.match(text):
        text = re.sub(r"[,\s  ]", "", text)
    if not _NUMBER.match(text):
        return None
    value = float(text.replace(",", "."))
    return value if math.isfinite(value) else None


def count(text: str, decimal_comma: bool = False) -> tuple[float | None, str]:
    """A count and its issue: nothing given is "not counted"; ``X``, ``?`` or ``many`` too, but flagged."""
    text = text.strip()
    if text in MISSING:
        return None, ""
    value = number(text, decimal_comma)
    if value is None or not 0 <= value <= _MOST:
        return None, "INDIVIDUAL_COUNT_INVALID"
    return value, ""


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
    north, east = number(latitude, decimal_comma=True), number(longitude, decimal_comma=True)
    north, east, issue = _on_globe(north, east)
    return Position(north, east, metres, tuple(dict.fromkeys([*issues, *([issue] if issue else [])])))


def _on_globe(north: float | None, east: float | None) -> tuple[float | None, float | None, str]:
    if north is None or east is None:
        return None, None, "COORDINATE_INVALID"
    if abs(north) > 90 and abs(east) <= 90 and abs(north) <= 180:
        return None, None, "PRESUMED_SWAPPED_COORDINATE"
    if abs(north) > 90 or abs(east) > 180:
        return None, None, "COORDINATE_OUT_OF_RANGE"
    return north, east, "ZERO_COORDINATE" if north == 0 and east == 0 else ""


def country(text: str) -> tuple[str, str]:
    """An ISO 3166-1 alpha-2 code in capitals; anything else stays as it is, flagged."""
    word = clean(text)
    if re.fullmatch(r"[A-Za-z]{2}", word):
        return word.upper(), ""
    return word, "COUNTRY_INVALID" if word else ""
