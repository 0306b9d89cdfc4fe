"""The part of the page that tells of a year, a day and a place, as far as the records do. Knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.page.board.figures import FULL, Figure
from api.page.board.fitting import Fitting
from api.page.board.panels import ARRIVALS, CALENDAR, DIEL, MAP, PHENOLOGY, Panel, called, only, tell
from api.page.query import PageParameters, link
from api.page.speech import _


@dataclass(frozen=True)
class Season:
    """The charts that have anything to show, by their reports, and what the others lack."""

    panels: Mapping[str, Figure]
    of: str
    """Whose weeks are shown, where nobody chose a species."""
    page: str
    """The page of that species."""
    lacking: tuple[str, ...]


Rows = tuple[tuple[Panel, ...], ...]
"""What stands side by side; who is left alone takes the room of both."""
ROWS: Rows = ((PHENOLOGY, ARRIVALS), (CALENDAR,), (MAP, DIEL))
NO_SEASON = Season({}, "", "", ())


def season(
    connection: Connection,
    parameters: PageParameters,
    fitting: Fitting,
    ranked: Sequence[dict[str, Any]],
    rows: Rows = ROWS,
) -> Season:
    """The weeks of the chosen species, or of the most seen dated one; the rest of all that is asked for."""
    leader = None
    if not parameters.filters.names_taxa:
        leader = next((row for row in ranked if fitting.dated(row["taxonKey"])), None)
    alone = only(connection, parameters, leader) if leader else parameters.pairs()
    panels: dict[str, Figure] = {}
    lacking: list[str] = []
    for row in rows:
        told = []
        for one in row:
            pairs = one.pairs(alone if one is PHENOLOGY else parameters.pairs(), parameters.measure)
            told.append((one, tell(connection, one.report, pairs), pairs))
        there = [each for each in told if each[1].tidy.rows]
        lacking += [_(one.nothing) for one, found, asked in told if not found.tidy.rows]
        for one, found, pairs in there:
            shapes = one.shapes if len(there) == len(row) else FULL
            panels[one.report] = one.figure(found, pairs, shapes, parameters.theme)
    return Season(
        panels,
        called(leader) if leader else "",
        link([*alone, *parameters.settings()]) if leader else "",
        tuple(lacking),
    )
