"""The buckets that sightings are counted in (see db.models.Rollup), as arithmetic; asks nothing.

What is written with the operators of Python alone holds for a number, an array of NumPy and a column of SQL.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Double, Integer, and_, case, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from db.models import Sighting

TO_A_DAY = 1
"""The bucket of all that is dated to one day, whichever it is."""
HOURS = (100_000_000, 999_999_999)
"""Between which buckets the hours of the day lie, year by year."""
CELLS = (1_000_000_000, 1_006_479_999)
"""Between which buckets the cells of the map lie."""
_ROWS, _COLUMNS = 1_800, 3_600
_TENTHS = 10.0


def iso_week(day: int) -> int:
    """The bucket of the ISO week that a day (YYYYMMDD) lies in: 20241230 -> 2025001."""
    year, week, _ = date(day // 10_000, day // 100 % 100, day % 100).isocalendar()
    return year * 1000 + week


def hour_bucket(year: Any, hour: Any) -> Any:
    """The bucket of an hour of the day, 0 to 23, within a year: 2024, 17 -> 202400017."""
    return year * 100_000 + hour


def hour_of(seconds: Any) -> Any:
    """The hour of a time of day in seconds; a day's end is the midnight that it is."""
    return seconds // 3600 % 24


def hours_of(first_year: int, last_year: int) -> tuple[int, int]:
    """Between which buckets the hours of these years lie, both years included."""
    return max(hour_bucket(first_year, 0), HOURS[0]), min(hour_bucket(last_year, 23), HOURS[1])


def cell_of(latitude: float, longitude: float) -> int:
    """The bucket of the cell of a tenth of a degree that a position lies in; a cell holds its south-west.

    The north pole lies in the northernmost row, and 180 degrees east are 180 degrees west.
    """
    return int(_cell(min(_tenth(latitude, _ROWS), _ROWS - 1), _tenth(longitude, _COLUMNS)))


def cells_of(latitudes: Any, longitudes: Any) -> Any:
    """The same for arrays of NumPy without gaps."""
    import numpy as np

    rows, columns = (
        (degrees * _TENTHS + half).astype(np.int64)
        for degrees, half in ((latitudes, _ROWS / 2), (longitudes, _COLUMNS / 2))
    )
    return _cell(np.minimum(rows, _ROWS - 1), columns)


def _tenth(degrees: float, number: int) -> int:
    # In this order every decimal of one digit is exact: -89.7 + 90 is a little less than 0.3, -89.7 * 10 is
    # -897. What is cut off then is never below 0, where the databases round in different directions.
    return int(degrees * _TENTHS + number / 2)


def _cell(row: Any, column: Any) -> Any:
    return CELLS[0] + row * _COLUMNS + column % _COLUMNS


def corner_of(cell: int) -> tuple[float, float]:
    """Latitude and longitude of a cell's south-western corner; it is a tenth of a degree high and wide."""
    row, column = divmod(cell - CELLS[0], _COLUMNS)
    return (row - _ROWS // 2) / _TENTHS, (column - _COLUMNS // 2) / _TENTHS


class _Cut(FunctionElement[int]):
    """A number that is not negative, without what stands behind its point."""

    name = "cut"
    type = Integer()
    inherit_cache = True


@compiles(_Cut)
def _cut(element: _Cut, compiler: Any, **words: Any) -> str:
    return f"CAST(floor({compiler.process(element.clauses, **words)}) AS INTEGER)"


@compiles(_Cut, "sqlite")
def _cut_by_sqlite(element: _Cut, compiler: Any, **words: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **words)} AS INTEGER)"


def steps_of_record(per_degree: int) -> tuple[ColumnElement[int], ColumnElement[int], ColumnElement[bool]]:
    """Row and column of a row of ``sighting``, and the condition that it has them: that a map may show it.

    The grid has so many steps a degree, counted from the south pole and from 180 degrees west.
    """
    north, east = (
        _Cut(degrees * literal(float(per_degree), Double) + literal(float(half * per_degree), Double))
        for degrees, half in ((Sighting.decimal_latitude, 90), (Sighting.decimal_longitude, 180))
    )
    known = and_(Sighting.decimal_latitude.is_not(None), Sighting.decimal_longitude.is_not(None))
    last = 180 * per_degree - 1
    row = case((north > last, last), else_=north)
    return row, east % (360 * per_degree), and_(~Sighting.geospatial_issue, known)


def cell_of_record() -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """The cell of a row of ``sighting``, and the condition that it has one: that a map may show it."""
    row, column, shown = steps_of_record(10)
    return CELLS[0] + row * _COLUMNS + column, shown


def hour_of_record() -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """The bucket of hour and year of a row of ``sighting``, and the condition that it has one."""
    year = Sighting.first_day // 10_000
    timed = and_(year == Sighting.last_day // 10_000, Sighting.time_of_day.is_not(None))
    return hour_bucket(year, hour_of(Sighting.time_of_day)), timed
