"""Coordinates as people write them."""

from __future__ import annotations

import pytest

from ingest.words.degrees import degrees, pair


@pytest.mark.parametrize(
    ("text", "value", "axis"),
    [
        ("48.2083", 48.2083, ""),
        (" -16.37 ", -16.37, ""),
        ("−16.37", -16.37, ""),
        ("59,91", 59.91, ""),
        ("3.", 3, ""),
        ("1.5e1", 15, ""),
        ("48.2083 N", 48.2083, "N"),
        ("n 48,2083", 48.2083, "N"),
        ("48.5°", 48.5, ""),
        ("48°12'30\"N", 48 + 12 / 60 + 30 / 3600, "N"),
        ("48° 12' 30.5'' S", -48 - 12 / 60 - 30.5 / 3600, "N"),
        ("16º22′23″E", 16 + 22 / 60 + 23 / 3600, "E"),
        ("16 22 23 W", -16 - 22 / 60 - 23 / 3600, "E"),
        ("-16°22'23\"", -16 - 22 / 60 - 23 / 3600, ""),
        ("48:12:30", 48 + 12 / 60 + 30 / 3600, ""),
        ("48°12.5'N", 48 + 12.5 / 60, "N"),
        ("-117.58 W", -117.58, "E"),
        ("137700", 137_700, ""),
    ],
)
def test_degrees_are_read_in_all_their_spellings(text: str, value: float, axis: str) -> None:
    assert degrees(text) == (pytest.approx(value, abs=1e-12), axis)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "N",
        "inf",
        "nan",
        "1e400",
        "-48 N",
        "N 48 N",
        "48°60'N",
        "48.5°12'N",
        "48°12.5'30\"",
        "16.37 O",
        "Oslo",
        "x" * 10_000,
        "1 " * 5_000,
        "48.1.2",
    ],
)
def test_what_is_no_angle_or_could_be_two_is_none(text: str) -> None:
    assert degrees(text)[0] is None


@pytest.mark.parametrize(
    "text",
    [
        "59.91, 10.75",
        "59.91,10.75",
        "59.91 10.75",
        "(59.91; 10.75)",
        "[59.91, 10.75]",
        "POINT (10.75 59.91)",
        "59,91; 10,75",
        "59,91, 10,75",
        "59,91 10,75",
        "59.91N 10.75E",
        "N59.91, E10.75",
        "59°54'36\"N 10°45'0\"E",
    ],
)
def test_latitude_and_longitude_in_one_cell_are_two(text: str) -> None:
    found = pair(text)
    assert found is not None
    assert [degrees(one)[0] for one in found] == pytest.approx([59.91, 10.75])


@pytest.mark.parametrize("text", ["", "Oslo", "Oslo, Norway", "59.91", "1, 2, 3", "North End", "9" * 100_000])
def test_what_is_no_pair_is_none(text: str) -> None:
    assert pair(text) is None
