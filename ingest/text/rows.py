"""Rows of text on their way from a reader to the parser, as lists or as columns; knows no meaning of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import overload

from db.arrow import pa

Row = list[str]
_UNFIT = re.compile(r"[\ud800-\udfff]")


class Columnar(Sequence[Row]):
    """Rows of one width that are kept as columns of text, and made into lists only for who looks at them."""

    def __init__(self, columns: Sequence[pa.Array]) -> None:
        """Columns of equal length, of type string, without nulls."""
        self.columns = tuple(columns)

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[Row]:
        return map(list, zip(*(column.to_pylist() for column in self.columns), strict=True))

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Row]: ...
    def __getitem__(self, place: int | slice) -> Row | Sequence[Row]:
        """One row as a list, or some rows, still as columns."""
        if isinstance(place, int):
            return [column[place].as_py() for column in self.columns]
        start, stop, step = place.indices(len(self))
        if step != 1:
            return list(self)[place]
        return Columnar([column.slice(start, max(stop - start, 0)) for column in self.columns])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Chunk:
    """Some rows: each one's fields and the line of the input on which it begins, counted from 1."""

    lines: Sequence[int]
    rows: Sequence[Row]
    done: int = 0
    """How many bytes of the input have been read so far."""
    unfit: list[tuple[int, Row]] = field(default_factory=list)
    """Lines and fields of rows that the reader could not bring into shape, for the parser to refuse."""
    skipped: dict[str, int] = field(default_factory=dict)
    """Reason -> rows that hold no animal by the format's own word (a blank frame); they are not in rows."""


def columns_of(rows: Sequence[Row]) -> tuple[pa.Array, ...]:
    """Rows of one width as columns; half a character that no database can hold becomes U+FFFD."""
    if isinstance(rows, Columnar):
        return rows.columns
    return tuple(_column(cells) for cells in zip(*rows, strict=True))


def _column(cells: Sequence[str]) -> pa.Array:
    try:
        return pa.array(cells, pa.string())
    except UnicodeEncodeError:
        return pa.array([_UNFIT.sub("\ufffd", cell) for cell in cells], pa.string())
