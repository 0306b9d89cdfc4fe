"""What the first rows of a table tell of how all of it is written; knows no single value's meaning."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.formats.table import Table
from ingest.sources.source import Unreadable
from ingest.words.days import is_day_number
from ingest.words.degrees import degrees
from ingest.words.values import MISSING

_SAMPLE_ROWS = 2_000
_AXES = ("decimalLongitude", "decimalLatitude")
_NUMBERS = ("individualCount", "organismQuantity", *_AXES)
_BOTH_MARKS = re.compile(r"\d[.,]\d+[.,]\d+\Z")
_ONE_MARK = re.compile(r"[+-]?(\d+)([.,])(\d+)\Z")
_MOSTLY = 0.8
_METRES = (1_000, 10_000_000)
"""Northings and eastings of national grids and UTM lie between; degrees, also without their point, do not."""


@dataclass(frozen=True)
class Evidence:
    """What was found."""

    decimal_comma: bool = False
    """Numbers have a decimal comma, so that the dot of 1.234 marks the thousand."""
    notes: tuple[str, ...] = ()
    """What a person should know."""
    comma_told: bool = False
    """Some cell told the decimal mark; else it is what goes with the delimiter."""


def gather(name: str, table: Table, terms: Mapping[str, str]) -> Evidence:
    """Look at the first rows of the table of this name. The global sources are known and need no look.

    Raises Unreadable where its dates are a spreadsheet's day numbers.
    """
    if table.feed:
        return Evidence()
    first = next(table.chunks(), None)
    rows = first.rows[:_SAMPLE_ROWS] if first else []
    cells = {term: _filled(rows, table.columns.index(column)) for column, term in terms.items()}
    _refuse_day_numbers(name, cells.get("eventDate", []))
    comma = _has_decimal_comma([cell for term in _NUMBERS for cell in cells.get(term, ())])
    by_delimiter = table.delimiter == ";"
    return Evidence(by_delimiter if comma is None else comma, _projected(terms, cells), comma is not None)


def _filled(rows: Sequence[list[str]], place: int) -> list[str]:
    cells = (row[place].strip() for row in rows if place < len(row))
    return [cell for cell in cells if cell not in MISSING]


def _refuse_day_numbers(name: str, dates: list[str]) -> None:
    numbers = sum(map(is_day_number, dates))
    if numbers > _MOSTLY * len(dates):
        raise Unreadable(
            f"{name} has dates like {dates[0]}, a spreadsheet's count of days from 1900 or from 1904:"
            " save the column as dates (YYYY-MM-DD)."
        )


def _has_decimal_comma(cells: list[str]) -> bool | None:
    """By what can be read in one way only: 1,5 and 51,08333 have one, 51.08 and 1,234.5 have not, 1,234 may.

    Where nothing tells, it is as where the delimiter is from: a semicolon stands where the comma is taken.
    """
    votes = Counter(map(_decimal_mark, cells))
    return None if votes[","] == votes["."] else votes[","] > votes["."]


def _decimal_mark(cell: str) -> str:
    """The decimal mark that this cell must have; '' where it has none, or could be a thousand."""
    marks = [mark for mark in cell if mark in ",."]
    if len(marks) > 1 and _BOTH_MARKS.search(cell):
        # Of two kinds the last is the decimal one; what comes twice marks thousands.
        return marks[-1] if marks[-1] != marks[0] else ",."[marks[0] == ","]
    found = _ONE_MARK.match(cell)
    if not found or (len(found[3]) == 3 and len(found[1]) <= 3 and found[1][0] != "0"):
        return ""
    return found[2]


def _projected(terms: Mapping[str, str], cells: Mapping[str, list[str]]) -> tuple[str, ...]:
    """A note where what is called longitude and latitude are metres of some grid."""
    if not all(_are_metres(cells.get(term, [])) for term in _AXES):
        return ()
    east, north = (next(column for column, name in terms.items() if name == term) for term in _AXES)
    what = f"the columns {east} and {north} look like projected metres, not degrees"
    return (f"{what}: the records are kept without coordinates",)


def _are_metres(cells: list[str]) -> bool:
    least, most = _METRES
    found = sum(least < abs(degrees(cell)[0] or 0) < most for cell in cells)
    return found > _MOSTLY * len(cells)
