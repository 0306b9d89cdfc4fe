"""Where it was recorded: counts per cell of a grid that fits the records; knows nothing of how it is shown.

A cell is a square of degrees that holds its southern and its western edge. Its size follows from what is
asked and what is there alone, never from a picture: every form of an answer has the same cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Select, Subquery, and_, case, cast, func, or_, select

from db.extents import SIZES, Extent, around, asked_for, fitting, tight
from db.filters import Scope, conditions
from db.grains import CELLS, steps_of_record
from db.measures import measures
from db.models import Rollup, Sighting
from db.questions import counts
from db.questions.walks import terms_of_all

MOST_RECORDS = 200_000
"""So many records are looked at one by one; of more, the rollups answer where they can."""
_FINEST = 100  # steps a degree
_ROLLED = 10  # hundredths of a degree: the cells of the rollups
_DEGREE = 100  # the same of a degree
_COLUMNS = 3600  # cells of the rollups, around the world
_WIDTH = 360 * _FINEST  # no grid has more columns
_METRES = 111_195  # of a degree of latitude
_MISSING, _FLAGGED = -1, -2  # where a row would stand


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
        extent = asked_for(filters.bbox) if filters.bbox else _covered(connection, scope)
        return _from_records(connection, scope, extent)
    totals = _sum(counts.totals(connection, scope, apart=False))
    tenths = (_tenths(scope) if scope.revision is None else _tenths_of_records(scope)).subquery()
    degrees = _degrees(connection, tenths)
    if totals.records + totals.absences > MOST_RECORDS:
        return _from_tenths(connection, tenths, degrees, totals)
    return _from_records(connection, scope, around([degree[2:6] for degree in degrees], 10))


def _sum(rows: Iterable[Any]) -> Sum:
    parts = ((row.records, row.individuals, row.uncounted, row.absences) for row in rows)
    columns = list(zip(*parts, strict=True))
    return Sum(*map(sum, columns)) if columns else NOTHING


def _from_records(connection: Connection, scope: Scope, extent: Extent | None) -> Cells:
    """One look at every record: in which cell it is, or why in none."""
    size = fitting(extent) if extent else SIZES[0]
    steps = _FINEST if size < _ROLLED else 10
    every = size * steps // 100
    row, column, usable = steps_of_record(steps)
    unknown = or_(Sighting.decimal_latitude.is_(None), Sighting.decimal_longitude.is_(None))
    row = case((unknown, _MISSING), (usable, row // every), else_=_FLAGGED)
    column = case((usable, column // every), else_=0)
    vague = and_(~Sighting.absent, usable, Sighting.coordinate_uncertainty > size / 100 * _METRES)
    cell = row * _WIDTH + column  # SQLite sorts single numbers faster than pairs
    asked = select(cell, *measures(), func.sum(case((vague, 1), else_=0)))
    rows = connection.execute(asked.where(*terms_of_all(connection, scope)).group_by(cell)).all()
    found = {divmod(one[0], _WIDTH): Sum(*one[1:5]) for one in rows}
    missing, flagged = (found.pop((reason, 0), NOTHING) for reason in (_MISSING, _FLAGGED))
    if extent and not scope.filters.bbox:
        extent = tight(found, size, extent)
    return Cells(size, extent, found, missing, flagged, vague=sum(one[5] for one in rows))


def _covered(connection: Connection, scope: Scope) -> Extent | None:
    row, column, usable = steps_of_record(_FINEST)
    asked = select(*_ends(row, column)).where(*terms_of_all(connection, scope), usable)
    strip: Any = connection.execute(asked).one()
    if strip[0] is None:
        return None
    if strip[3] - strip[2] < 180 * _FINEST:  # the way around the other side is longer, without sorting any
        return around([strip], _FINEST)
    return around(connection.execute(asked.group_by(column // _FINEST)).all(), _FINEST)


def _ends(row: ColumnElement[int], column: ColumnElement[int]) -> list[ColumnElement[int]]:
    return [func.min(row), func.max(row), func.min(column), func.max(column)]


_SUMMED = (Rollup.records, Rollup.individuals, Rollup.uncounted, Rollup.absences)


def _tenths(scope: Scope) -> Select[Any]:
    """The cells of the rollups, summed over taxa and feeds."""
    of = counts.rollups(scope, apart=False)
    asked = select((of.bucket - CELLS[0]).label("cell"), *counts.summed(of))
    return asked.where(of.bucket.between(*CELLS), *counts.of_scope(scope, of)).group_by(of.bucket)


def _tenths_of_records(scope: Scope) -> Select[Any]:
    """The same cells of a version that has no rollups any more."""
    row, column, usable = steps_of_record(10)
    cell = row * _COLUMNS + column
    return select(cell.label("cell"), *measures()).where(*conditions(scope), usable).group_by(cell)


def _degrees(connection: Connection, tenths: Subquery) -> Sequence[Row[*tuple[Any, ...]]]:
    """The tenths by whole degrees: row and column, what they cover of it, their sums."""
    row, column = tenths.c.cell // _COLUMNS, tenths.c.cell % _COLUMNS
    degree = (row // 10).label("row"), (column // 10).label("column")
    asked = select(*degree, *_ends(row, column), *_sums(tenths)).group_by(*degree)
    return connection.execute(asked).all()


def _sums(tenths: Subquery) -> list[ColumnElement[Any]]:
    return [cast(func.sum(tenths.c[one.key]), one.type).label(one.key) for one in _SUMMED]


def _from_tenths(connection: Connection, tenths: Subquery, degrees: Sequence[Any], totals: Sum) -> Cells:
    extent = around([degree[2:6] for degree in degrees], 10)
    if extent is None:
        return Cells(SIZES[0], None, {}, unusable=totals)
    wanted = fitting(extent)
    size = max(wanted, _ROLLED)
    if size >= _DEGREE:  # all that is needed is here already
        found = _coarser(degrees, size // _DEGREE)
    else:
        every = size // _ROLLED
        keys = tenths.c.cell // _COLUMNS // every, tenths.c.cell % _COLUMNS // every
        rows = connection.execute(select(*keys, *_sums(tenths)).group_by(*keys))
        found = {(row[0], row[1]): Sum(*row[2:]) for row in rows}
    shown = _sum(found.values())
    left = Sum(
        totals.records - shown.records,
        totals.individuals - shown.individuals,
        totals.uncounted - shown.uncounted,
        totals.absences - shown.absences,
    )
    return Cells(size, tight(found, size, extent), found, unusable=left, coarse=wanted < size)


def _coarser(degrees: Sequence[Any], every: int) -> Counts:
    parts: dict[tuple[int, int], list[Any]] = {}
    for degree in degrees:
        parts.setdefault((degree.row // every, degree.column // every), []).append(degree)
    return {key: _sum(some) for key, some in parts.items()}
