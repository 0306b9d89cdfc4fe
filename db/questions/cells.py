"""Where it was recorded: counts per cell of a grid that fits the records; knows nothing of how it is shown.

A cell is a square of degrees that holds its southern and its western edge. Its size follows from what is
asked and what is there alone, never from a picture: every form of an answer has the same cells.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, Subquery, and_, case, cast, func, or_, select

from db.filters import Scope, conditions
from db.grains import CELLS, steps_of_record
from db.models import Rollup, Sighting
from db.questions import counts
from db.rollups import measures

MOST_RECORDS = 200_000
"""So many records are looked at one by one; of more, the rollups answer where they can."""
_ACROSS = 60  # cells along the longer side at most
_SIZES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
"""Of a cell, in hundredths of a degree: all of them divide the world."""
_ROLLED = 10  # hundredths of a degree: the cells of the rollups
_COLUMNS = 3600  # of them, around the world
_LEAST = 0.18  # degrees of latitude, 20 km: one record lies somewhere, too
_WORLD = 270.0  # degrees of longitude from which on the whole world is shown
_METRES = 111_195  # of a degree of latitude
_MISSING, _FLAGGED = -1, -2  # where a row would stand


@dataclass(frozen=True)
class Extent:
    """A part of the world in degrees; across the antimeridian, `east` goes on beyond 180."""

    west: float
    south: float
    east: float
    north: float


class Sum(NamedTuple):
    """What was counted somewhere (see Rollup)."""

    records: int = 0
    individuals: float = 0.0
    uncounted: int = 0
    absences: int = 0


NOTHING = Sum()
Counts = dict[tuple[int, int], Sum]
"""By row from the south pole and column from 180 degrees west."""


@dataclass(frozen=True)
class Cells:
    """The cells that anything was recorded in."""

    hundredths: int
    """The size of a cell, in hundredths of a degree."""
    extent: Extent | None
    """What was asked for, or what the cells cover; None where there are none."""
    counts: Counts
    missing: Sum = NOTHING
    """What has no coordinates."""
    flagged: Sum = NOTHING
    """What has coordinates that were found to be wrong."""
    unusable: Sum = NOTHING
    """Either of these, where nobody told them apart."""
    vague: int | None = None
    """Records that may lie in another cell as far as their uncertainty goes; None where nobody looked."""
    coarse: bool = False
    """Whether smaller cells would have fitted."""


def cells(connection: Connection, scope: Scope) -> Cells:
    """The cells of a scope: from the records where they are few or a filter asks so, else from rollups.

    An older version has what it had while it was the newest: its records are counted as its rollups were.
    """
    filters = scope.filters
    if filters.days or filters.years or filters.months or filters.needs_records:
        extent = _asked(filters.bbox) if filters.bbox else _covered(connection, scope)
        return _from_records(connection, scope, extent)
    totals = _sum(counts.totals(connection, scope, apart=False))
    tenths = (_tenths(scope) if scope.revision is None else _tenths_of_records(scope)).subquery()
    extent = _rolled_extent(connection, tenths)
    if totals.records + totals.absences <= MOST_RECORDS:
        return _from_records(connection, scope, extent)
    return _from_tenths(connection, tenths, extent, totals)


def _sum(rows: Iterable[Any]) -> Sum:
    parts = ((row.records, row.individuals, row.uncounted, row.absences) for row in rows)
    columns = list(zip(*parts, strict=True))
    return Sum(*map(sum, columns)) if columns else NOTHING


def _from_records(connection: Connection, scope: Scope, extent: Extent | None) -> Cells:
    """One look at every record: in which cell it is, or why in none."""
    size = fitting(extent) if extent else _SIZES[0]
    steps = _FINEST if size < _ROLLED else 10
    every = size * steps // 100
    row, column, usable = steps_of_record(steps)
    unknown = or_(Sighting.decimal_latitude.is_(None), Sighting.decimal_longitude.is_(None))
    row = case((unknown, _MISSING), (usable, row // every), else_=_FLAGGED)
    column = case((usable, column // every), else_=0)
    vague = and_(~Sighting.absent, usable, Sighting.coordinate_uncertainty > size / 100 * _METRES)
    asked = select(row, column, *measures(), func.sum(case((vague, 1), else_=0)))
    rows = connection.execute(asked.where(*conditions(scope)).group_by(row, column)).all()
    found = {(one[0], one[1]): Sum(*one[2:6]) for one in rows}
    missing, flagged = (found.pop((reason, 0), NOTHING) for reason in (_MISSING, _FLAGGED))
    if extent and not scope.filters.bbox:
        extent = _tight(found, size, extent)
    return Cells(size, extent, found, missing, flagged, vague=sum(one[6] for one in rows))


_FINEST = 100  # steps a degree


def _asked(bbox: tuple[float, float, float, float]) -> Extent:
    west, south, east, north = bbox
    return Extent(west, south, east if east >= west else east + 360, north)


def _covered(connection: Connection, scope: Scope) -> Extent | None:
    row, column, usable = steps_of_record(_FINEST)
    asked = select(*_ends(row, column)).where(*conditions(scope), usable).group_by(column // _FINEST)
    return _around(connection.execute(asked).all(), _FINEST)


def _ends(row: ColumnElement[int], column: ColumnElement[int]) -> list[ColumnElement[int]]:
    return [func.min(row), func.max(row), func.min(column), func.max(column)]


_SUMMED = (Rollup.records, Rollup.individuals, Rollup.uncounted, Rollup.absences)


def _tenths(scope: Scope) -> Select[Any]:
    """The cells of the rollups, summed over taxa and feeds."""
    asked = select((Rollup.bucket - CELLS[0]).label("cell"))
    # PostgreSQL sums 64-bit integers into decimals; a count is to stay an integer.
    asked = asked.add_columns(*(cast(func.sum(one), one.type).label(one.key) for one in _SUMMED))
    asked = asked.where(Rollup.bucket.between(*CELLS))
    for column, ids in ((Rollup.taxon_id, scope.taxa), (Rollup.feed_id, scope.feeds)):
        if ids is not None:
            asked = asked.where(column.in_(ids))
    return asked.group_by(Rollup.bucket)


def _tenths_of_records(scope: Scope) -> Select[Any]:
    """The same cells of a version that has no rollups any more."""
    row, column, usable = steps_of_record(10)
    cell = row * _COLUMNS + column
    return select(cell.label("cell"), *measures()).where(*conditions(scope), usable).group_by(cell)


def _rolled_extent(connection: Connection, tenths: Subquery) -> Extent | None:
    row, column = tenths.c.cell // _COLUMNS, tenths.c.cell % _COLUMNS
    asked = select(*_ends(row, column)).group_by(column // 10)
    return _around(connection.execute(asked).all(), 10)


def _from_tenths(connection: Connection, tenths: Subquery, extent: Extent | None, totals: Sum) -> Cells:
    if extent is None:
        return Cells(_SIZES[0], None, {}, unusable=totals)
    wanted = fitting(extent)
    size = max(wanted, _ROLLED)
    every = size // _ROLLED
    keys = tenths.c.cell // _COLUMNS // every, tenths.c.cell % _COLUMNS // every
    sums = [cast(func.sum(tenths.c[one.key]), one.type) for one in _SUMMED]
    rows = connection.execute(select(*keys, *sums).group_by(*keys))
    found: Counts = {(row[0], row[1]): Sum(*row[2:]) for row in rows}
    shown = _sum(found.values())
    left = Sum(
        totals.records - shown.records,
        totals.individuals - shown.individuals,
        totals.uncounted - shown.uncounted,
        totals.absences - shown.absences,
    )
    return Cells(size, _tight(found, size, extent), found, unusable=left, coarse=wanted < size)


def _around(strips: Sequence[Any], steps: int) -> Extent | None:
    """What strips cover, the smaller way around the globe.

    Each is its first and last row and its first and last column, in a grid of so many steps a degree.
    """
    if not strips:
        return None
    south, north = min(strip[0] for strip in strips), max(strip[1] for strip in strips) + 1
    ordered = sorted((strip[2], strip[3] + 1) for strip in strips)
    world = 360 * steps
    starts = [start for start, _ in ordered[1:]] + [ordered[0][0] + world]
    # Behind the widest gap it begins; of equal ones, behind the one that ends farthest in the west.
    gap, west = max((start - end, -(start % world)) for (_, end), start in zip(ordered, starts, strict=True))
    low, high = south / steps - 90, north / steps - 90
    if world - gap > _WORLD * steps:
        return Extent(-180.0, low, 180.0, high)
    return Extent(-west / steps - 180, low, (world - west - gap) / steps - 180, high)


def _tight(found: Collection[tuple[int, int]], hundredths: int, extent: Extent) -> Extent:
    """What the cells cover, in longitudes that go on as those of a rougher extent do."""
    size = hundredths / 100
    before = extent.west - size
    middles = [before + ((2 * column + 1) * size / 2 - 180 - before) % 360 for _, column in found]
    south, north = min(row for row, _ in found) * size - 90, max(row for row, _ in found) * size - 90 + size
    west, east = min(middles) - size / 2, max(middles) + size / 2
    if extent.east - extent.west == 360:
        west, east = extent.west, extent.east
    return Extent(*(round(edge, 6) for edge in (west, south, east, north)))


def fitting(extent: Extent) -> int:
    """The size of cell for an extent, in hundredths of a degree: at most sixty along its longer side."""
    shrink = math.cos(math.radians(abs(extent.south + extent.north) / 2))
    longest = max(_LEAST, extent.north - extent.south, (extent.east - extent.west) * shrink)
    return next((size for size in _SIZES if longest * 100 <= size * _ACROSS), _SIZES[-1])
