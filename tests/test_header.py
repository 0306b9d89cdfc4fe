"""The row that names the columns, among what stands above and below it."""

from __future__ import annotations

import pytest

from ingest.text import header
from ingest.text.header import Header

NAMES = ["date", "species", "count"]
ROW = ["2024-05-17", "Lynx", "3"]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        ([NAMES, ROW, ROW], Header(0, 2)),
        ([["Sightings"], [], NAMES, ROW], Header(2, 2)),
        ([["Sightings", "", ""], NAMES, ROW], Header(1, 2)),
        ([["Sightings", "of", "2024"], NAMES, ROW], Header(1, 2)),
        ([["Date", "2024", ""], NAMES, ROW], Header(1, 2)),
        ([["#date", "species", "count"], ROW], Header(0, 2)),
        ([["# date", "of", "export"], ["wann", "was", "wo"], ROW], Header(1, 0)),
        ([["year", "Bear", "Deer"], ["2010", "3", "4"]], Header(0, 1)),
        ([["Bears", "and deer"], ["year", "Bear", "Deer"], ["2010", "3", "4"]], Header(1, 1)),
        ([["file", "class", "level"], ["/data", "Bird", "0.8"], ["/data", "Bat", "0.7"]], Header(0, 0)),
        ([["file", "class", "level"], ["/data", "Lynx", "0.8"], ["/data", "Bear", "0.7"]], Header(0, 0)),
        ([["wann", "was", "wo"], ROW, ROW], Header(0, 0)),
        ([["Luchse"], ["wann", "was", "wo"], ROW, ROW], Header(1, 0)),
        ([NAMES, [*ROW, "surplus"], [*ROW, "surplus"]], Header(0, 2)),
        ([[*NAMES, "a", "b", "c"], ROW, ROW], Header(0, 2)),
        ([["only"], ["text"]], None),
        ([], None),
    ],
)
def test_the_header_is_the_first_row_that_names_date_and_animal(
    rows: list[list[str]], found: Header | None
) -> None:
    assert header.find(rows) == found
