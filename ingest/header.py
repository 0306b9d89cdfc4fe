"""Which row of a table names its columns, whatever stands above it; knows names of columns and no values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ingest.columns import NEEDS_DATE, NEEDS_NAME, understand

_ALL = 2


class Header(NamedTuple):
    """The place of the row that names the columns."""

    place: int
    understood: int
    """2 if it has a column for the date and one for the name of the animal, 1 for one of them, 0 for none."""


def find(rows: Sequence[Sequence[str]]) -> Header | None:
    """The header among the first rows of a table, cells stripped; None where all of them are lines of text.

    A row that fills less than half of the width that most rows have is a title or a comment. Of the others
    the first in which a date and a name are found is the header; else the first with either of them, else
    simply the first.
    """
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return None
    half = widths.most_common(1)[0][0] / 2
    best: Header | None = None
    for place, row in enumerate(rows):
        if len(row) < 2 or sum(map(bool, row)) < half:
            continue
        found = Header(place, _understood(row))
        if found.understood == _ALL:
            return found
        if (found.understood or not _is_comment(row)) and (not best or found.understood > best.understood):
            best = found
    return best


def _understood(row: Sequence[str]) -> int:
    terms = set(understand(row).values())
    found = _ALL - terms.isdisjoint(NEEDS_DATE) - terms.isdisjoint(NEEDS_NAME)
    # A comment may name a column by chance; a header behind a # names both.
    return 0 if found < _ALL and _is_comment(row) else found


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#")
