"""Which row of a table names its columns, whatever stands above it; knows names of columns and no values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ingest.words.columns import NEEDS_DATE, NEEDS_NAME, understand

_ALL = 2


class Header(NamedTuple):
    """The place of the row that names the columns."""

    place: int
    understood: int
    """2 if it has a column for the date and one for the name of the animal, 1 for one of them, 0 for none."""


def find(rows: Sequence[Sequence[str]]) -> Header | None:
    """The header among the first rows of a table, cells stripped; None where all of them are lines of text.

    A row that fills less than half of the width that most rows have is a title or a comment. Of the others
    the first in which a date and a name are found is the header; else the first, or where that fills not all
    of the width, the first below it with either of them.
    """
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return None
    width = widths.most_common(1)[0][0]
    best: Header | None = None
    for place, row in enumerate(rows):
        filled = sum(map(bool, row))
        if len(row) < 2 or filled < width / 2:
            continue
        found = Header(place, _understood(row))
        if _is_better(found, best, rows, width):
            best = found
        if best and best.understood == _ALL:
            break
    return best


def _is_better(found: Header, best: Header | None, rows: Sequence[Sequence[str]], width: int) -> bool:
    if best is None:
        return bool(found.understood) or not _is_comment(rows[found.place])
    if found.understood <= best.understood:
        return False
    # A header that means nothing here may stand above rows in which words mean something by chance.
    above_is_whole = sum(map(bool, rows[best.place])) >= width
    return not above_is_whole or (found.understood == _ALL and _is_unlike_others(rows, found.place))


def _is_unlike_others(rows: Sequence[Sequence[str]], place: int) -> bool:
    """Whether none of its cells stands in the same column of another row, as cells of records do."""
    others = [row for number, row in enumerate(rows) if number != place]
    return not any(
        cell and column < len(row) and row[column] == cell
        for column, cell in enumerate(rows[place])
        for row in others
    )


def _understood(row: Sequence[str]) -> int:
    terms = set(understand(row).values())
    found = _ALL - terms.isdisjoint(NEEDS_DATE) - terms.isdisjoint(NEEDS_NAME)
    # A comment may name a column by chance; a header behind a # names both.
    return 0 if found < _ALL and _is_comment(row) else found


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#")
