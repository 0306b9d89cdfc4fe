"""The numbers of buckets: the same in Python, in arrays and in both databases."""

from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import Engine, select

from db.grains import CELLS, HOURS, cell_of, cell_of_record, cells_of, corner_of, hour_bucket, hours_of
from db.models import FOREVER, Sighting
from tests.seed import Record, ingest


@pytest.mark.parametrize(
    ("latitude", "longitude", "corner"),
    [
        (59.95, 10.75, (59.9, 10.7)),
        (0, 0, (0, 0)),
        (-0.05, -0.05, (-0.1, -0.1)),
        (-89.7, -179.9, (-89.7, -179.9)),
        (-90, -180, (-90, -180)),
        (90, 180, (89.9, -180)),
    ],
)
def test_a_cell_holds_its_south_western_corner(
    latitude: float, longitude: float, corner: tuple[float, float]
) -> None:
    assert corner_of(cell_of(latitude, longitude)) == corner


def test_every_corner_lies_in_its_own_cell() -> None:
    for degrees in range(-900, 900):
        cell = cell_of(degrees / 10, degrees / 5)
        assert corner_of(cell) == (degrees / 10, degrees / 5)
        assert cell_of(*corner_of(cell)) == cell


def test_arrays_and_databases_find_the_same_cells(writer: Engine) -> None:
    random = np.random.default_rng(4)
    north = np.concatenate(
        [random.integers(-900, 901, 200) / 10, random.uniform(-90, 90, 200), [-90.0, 90.0]]
    )
    east = np.concatenate(
        [random.integers(-1800, 1801, 200) / 10, random.uniform(-180, 180, 200), [-180.0, 180.0]]
    )
    wanted = [cell_of(*position) for position in zip(north.tolist(), east.tolist(), strict=True)]
    assert cells_of(north, east).tolist() == wanted
    assert CELLS[0] <= min(wanted) <= max(wanted) <= CELLS[1] < 2**31
    ingest(
        writer,
        [
            Record("Lynx", 20240517, identifier=str(n), latitude=one, longitude=other)
            for n, (one, other) in enumerate(zip(north.tolist(), east.tolist(), strict=True))
        ],
    )
    cell, shown = cell_of_record()
    with writer.begin() as connection:
        found = connection.execute(select(cell).where(shown).order_by(Sighting.key)).scalars()
        assert list(found) == wanted


def test_hours_lie_between_days_and_cells() -> None:
    assert hours_of(2023, 2024) == (hour_bucket(2023, 0), 202400023)
    assert hours_of(0, 9_999) == (HOURS[0], hour_bucket(9_999, 23))
    assert hour_bucket(1_000, 0) > FOREVER
    assert hour_bucket(9_999, 23) <= HOURS[1] < CELLS[0]
