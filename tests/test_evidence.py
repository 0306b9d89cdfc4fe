"""How a table writes its numbers, and what it calls coordinates, by what its first rows tell."""

from __future__ import annotations

import pytest

from ingest.formats.table import Table
from ingest.meaning.evidence import Evidence, gather
from ingest.sources.source import Unreadable
from ingest.text.text import Chunk


def found(counts: list[str], delimiter: str = ",", feed: str | None = None, **axes: list[str]) -> Evidence:
    columns = {"individualCount": counts, **axes}
    rows = [list(row) for row in zip(*columns.values(), strict=True)]
    lines = list(range(2, len(rows) + 2))
    table = Table(tuple(columns), lambda: iter([Chunk(lines, rows)]), 1, delimiter, feed)
    return gather("a.csv", table, {name: name for name in columns})


@pytest.mark.parametrize(
    ("counts", "delimiter", "comma"),
    [
        (["1,5", "1.234"], ",", True),
        (["1,000000", "2,600000"], ";", True),
        (["1.234.567"], ",", True),
        (["1.234,5"], ",", True),
        (["0,125"], ",", True),
        (["1.5", "1,234"], ";", False),
        (["1,234,567"], ";", False),
        (["1,234.5"], ";", False),
        (["1.234"], ",", False),
        (["1.234"], ";", True),
        (["1,234"], ",", False),
        (["1,234"], ";", True),
        (["12", "?", "3+"], ",", False),
        (["12", "", "NA"], ";", True),
        (["1,5", "1.5"], ",", False),
        (["1,5", "1.5"], ";", True),
        ([], ";", True),
    ],
)
def test_the_decimal_mark_is_what_can_be_read_in_one_way_only_or_that_of_the_delimiter(
    counts: list[str], delimiter: str, comma: bool
) -> None:
    assert found(counts, delimiter).decimal_comma is comma


@pytest.mark.parametrize(("latitude", "comma"), [("51.08", False), ("51,08", True)])
def test_coordinates_tell_how_the_counts_beside_them_are_written(latitude: str, comma: bool) -> None:
    assert found(["1.234"], ";", decimalLatitude=[latitude]).decimal_comma is comma


def test_a_global_source_writes_its_numbers_in_one_way() -> None:
    assert found(["1,5"], ";", "gbif") == Evidence(False, ())


def test_dates_that_are_numbers_of_days_are_refused_and_not_guessed() -> None:
    with pytest.raises(
        Unreadable, match=r"a.csv has dates like 45415, .* from 1900 or from 1904: save the column as dates"
    ):
        found(["1", "2"], eventDate=["45415", "45416.5"])
    found(["1", "2"], eventDate=["45415", "2024-05-17"])


@pytest.mark.parametrize(
    ("x", "y", "metres"),
    [
        (["137700", "212350.5", "NA"], ["193386", "170001.2", ""], True),
        (["137700,5"], ["193386,25"], True),
        (["500000"], ["5340000"], True),
        (["16.37"], ["48.2"], False),
        (["-94868400"], ["38.5"], False),
        (["-94868400"], ["38500000"], False),
        (["9999.99"] + ["16.37"] * 9, ["9999.99"] + ["48.2"] * 9, False),
        ([""], [""], False),
    ],
)
def test_projected_metres_are_recognised_and_told(x: list[str], y: list[str], metres: bool) -> None:
    notes = found(["1"] * len(x), decimalLongitude=x, decimalLatitude=y).notes
    said = "the columns decimalLongitude and decimalLatitude look like projected metres, not degrees"
    assert notes == ((f"{said}: the records are kept without coordinates",) if metres else ())
