"""One sheet of a workbook -> a header and rows: skips titles, fills merged cells; knows no other sheet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from ingest.formats.cells import Cell, date_of, is_serial, text_of, time_of
from ingest.formats.table import unique
from ingest.words import columns

if TYPE_CHECKING:
    from python_calamine import CalamineSheet

_HIGHEST = 30
"""So many rows may stand above the header."""
_TEXT = 0.8  # of the cells of a header are text; one of twenty may be a year
_TITLE = 2  # cells, at most, of a title


@dataclass(frozen=True)
class Sheet:
    """A sheet in memory, and what was found out of it."""

    cells: CalamineSheet
    header: int
    """The number of its header row, from 0."""
    names: tuple[str, ...]

    @property
    def last_row(self) -> int:
        """The number of its last row that is not empty, from 1."""
        return int(self.cells.end[0]) + 1 if self.cells.end else 0

    @property
    def terms(self) -> dict[str, str]:
        """Column -> term, as far as its header says."""
        return columns.understand(self.names)

    def holds_sightings(self, given: Collection[str]) -> bool:
        """Whether it has a column for a date and one for a name, as far as these terms are not given."""
        found = {*self.terms.values(), *given}
        return not found.isdisjoint(columns.NEEDS_DATE) and not found.isdisjoint(columns.NEEDS_NAME)

    def rows(self) -> Iterator[tuple[int, list[Cell]]]:
        """The rows below the header that are not empty, with the number that stands beside them."""
        merged = _merged_down(self.cells)
        kept: dict[int, tuple[Cell, int]] = {}
        for number, row in enumerate(islice(self.cells.iter_rows(), self.header + 1, None), self.header + 1):
            for column, (value, last) in list(kept.items()):
                if number > last:
                    del kept[column]
                elif any(cell != "" for cell in row):
                    row[column] = value
            for column, last in merged.get(number, ()):
                kept[column] = (row[column], last)
            if any(cell != "" for cell in row):
                yield number + 1, row


def _merged_down(cells: CalamineSheet) -> dict[int, list[tuple[int, int]]]:
    """Row -> columns in which a cell is merged with those below it, and the last row of each.

    Its value stands in the first one only and is meant for all: the date of a morning's sightings.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    for (first, column), (last, _) in cells.merged_cell_ranges or ():
        if last > first and column < cells.width:
            found.setdefault(first, []).append((column, last))
    return found


def sheet(cells: CalamineSheet) -> Sheet | None:
    """The sheet with its header found; None where no row names the columns."""
    head = list(islice(cells.iter_rows(), _HIGHEST + 1))
    candidates = []
    for number, row in enumerate(head[:_HIGHEST]):
        filled = [cell for cell in row if cell != ""]
        texts = sum(isinstance(cell, str) for cell in filled)
        names = unique([text_of(cell) for cell in row])
        if len(filled) >= 2 and texts >= _TEXT * len(filled):
            candidates.append((len(columns.understand(names)), len(filled), -number, names))
        elif len(filled) > _TITLE:
            break  # records have begun, or fields of a form
    if not candidates:
        return None
    _, _, number, names = max(candidates)
    return Sheet(cells, -number, names)


@dataclass(frozen=True)
class Reading:
    """How the cells of a sheet become texts."""

    dates: int | None
    """The column of dates."""
    times: int | None
    from_1904: bool

    def texts(self, row: list[Cell]) -> list[str]:
        """One row as text."""
        found = [text_of(cell) for cell in row]
        if self.dates is not None and is_serial(row[self.dates]):
            found[self.dates] = date_of(row[self.dates], self.from_1904)
        if self.times is not None:
            found[self.times] = time_of(row[self.times])
        return found


def reading(one: Sheet, from_1904: bool) -> Reading:
    """How this sheet is to be read."""
    at = {term: one.names.index(name) for name, term in one.terms.items()}
    return Reading(at.get("eventDate"), at.get("eventTime"), from_1904)
