"""Coordinates that would be right with another sign, by the country of their record."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine

from db.models import Sighting
from ingest.meaning.countries import BOXES, presumed
from tests.files import per, read_one, rows_of, sums, table


def test_the_boxes_are_on_the_globe() -> None:
    assert len(BOXES) > 160
    for code, box in BOXES.items():
        assert len(code) == 2
        assert -180 <= box.west < box.east <= 180, code
        assert -90 <= box.south < box.north <= 90, code


@pytest.mark.parametrize(
    ("code", "north", "east", "issues"),
    [
        ("US", 38.5, 94.8, ("PRESUMED_NEGATED_LONGITUDE",)),
        ("NA", 22.5, 17.1, ("PRESUMED_NEGATED_LATITUDE",)),
        ("AR", 34.6, 58.4, ("PRESUMED_NEGATED_LATITUDE", "PRESUMED_NEGATED_LONGITUDE")),
        ("NO", 10.75, 59.91, ("PRESUMED_SWAPPED_COORDINATE",)),
        ("NO", 0.1, 0.1, ()),
        ("ES", 28.1, -15.4, ()),
        ("US", 52.9, 172.9, ()),
        ("XX", 38.5, 94.8, ()),
        ("", 38.5, 94.8, ()),
    ],
)
def test_a_position_is_presumed_mirrored_where_its_mirror_lies_in_the_country(
    code: str, north: float, east: float, issues: tuple[str, ...]
) -> None:
    assert presumed(code, north, east) == issues


def test_a_mirrored_position_keeps_its_record_out_of_maps_and_in_all_counts(
    writer: Engine, tmp_path: Path
) -> None:
    rows = [
        "US,38.5,-94.8",
        "US,38.5,94.8",
        "NA,22.5,17.1",
        "NA,,",
        "NO,59.91,10.75",
        ",38.5,94.8",
        "NO,95,100",
    ]
    rows = [f"2024-05-17,Lynx,{row}" for row in rows]
    rows.append("2024-05-17,,US,38.5,94.8")
    outcome = read_one(writer, table(tmp_path / "a.csv", "date,species,countryCode,lat,lon", *rows))
    assert sums(outcome) == (8, 7, 0, 0, 1)
    found = rows_of(
        writer, Sighting.line, Sighting.decimal_longitude, Sighting.issues, Sighting.geospatial_issue
    )
    assert [tuple(row)[1:] for row in found] == [
        (-94.8, None, False),
        (94.8, "PRESUMED_NEGATED_LONGITUDE", True),
        (17.1, "PRESUMED_NEGATED_LATITUDE", True),
        (None, None, False),
        (10.75, None, False),
        (94.8, None, False),
        (None, "COORDINATE_OUT_OF_RANGE", True),
    ]
    assert per(writer, "total") == {("Lynx", 0): 7}
    assert per(writer, "total", bbox=(-180, -90, 180, 90)) == {("Lynx", 0): 3}
