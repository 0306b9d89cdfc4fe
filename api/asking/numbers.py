"""How numbers, ranges of them and plain choices of a query are written. Knows no query."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field

from api.asking.values import read_text
from db.traits import Range

_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,12})?", re.ASCII)
_ISSUE = re.compile("[A-Z][A-Z0-9_]{2,79}", re.ASCII)
_END = r"(\*|-?[0-9]{1,9}(\.[0-9]{1,12})?)"
WrittenRange = Annotated[str, Field(pattern=f"^{_END}(,{_END})?$")]
WrittenWholeRange = Annotated[str, Field(pattern=r"^(\*|[0-9]{1,9})(,(\*|[0-9]{1,9}))?$")]
WrittenIssue = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]{2,79}$")]
WrittenFlag = Literal["true", "false"]
WrittenStatus = Literal["PRESENT", "ABSENT"]
_STATUSES = {"present": False, "detected": False, "absent": True, "notdetected": True}


def read_flag(value: object) -> object:
    """``true`` or ``false``, in any capitals: R writes TRUE."""
    if not isinstance(value, str):
        return value
    if value.lower() not in ("true", "false"):
        raise ValueError("must be true or false")
    return value.lower() == "true"


def read_status(value: object) -> object:
    """Whether an absence is meant: GBIF's PRESENT and ABSENT, Darwin Core's detected and notDetected."""
    if not isinstance(value, str):
        return value
    if value.lower() not in _STATUSES:
        raise ValueError("must be PRESENT or ABSENT")
    return _STATUSES[value.lower()]


def read_issue(value: str) -> str:
    """The name of an issue, as GBIF writes it."""
    plain = value.upper()
    if not _ISSUE.fullmatch(plain):
        raise ValueError("must be the name of an issue, such as ZERO_COORDINATE")
    return plain


def read_word(value: str) -> str:
    """A word of which the capitals do not matter."""
    return read_text(value).lower()


def ranges(least: float, most: float) -> Callable[[str], Range]:
    """A reader of ``5`` or ``5,10`` between these bounds, both ends inclusive; ``*`` is an open end."""

    def read(value: str) -> Range:
        ends = value.split(",")
        if len(ends) > 2 or not all(end == "*" or _NUMBER.fullmatch(end) for end in ends):
            raise ValueError("must be a number, or two of them with a comma; * is an open end")
        low, high = (None if end == "*" else float(end) + 0.0 for end in (ends[0], ends[-1]))
        if not all(end is None or least <= end <= most for end in (low, high)):
            raise ValueError(f"must be between {least:g} and {most:g}")
        if low is not None and high is not None and low > high:
            raise ValueError("begins after it ends")
        return low, high

    return read


def whole_ranges(least: int, most: int) -> Callable[[str], tuple[int, ...]]:
    """A reader of ``5`` or ``5,10``, whole numbers between these bounds: every number that is meant."""
    between = ranges(least, most)

    def read(value: str) -> tuple[int, ...]:
        if "." in value:
            raise ValueError("must be a whole number, or two of them with a comma")
        low, high = between(value)
        first, last = (least if low is None else int(low)), (most if high is None else int(high))
        return tuple(range(first, last + 1))

    return read
