"""Day and month told apart by when the camera stood there: a record lies within its deployment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from ingest.formats.camera_traps import places_of
from ingest.formats.table import Table, fitted, portions
from ingest.words import columns, days

_ORDERS: tuple[days.Order, ...] = ("DMY", "MDY")


def order_by_deployments(
    table: Table, date: str, keys: Sequence[str], deployments: Table
) -> days.Order | None:
    """The order in which the dates lie within their deployments; None where it is not needed or not told."""
    at, places = table.columns.index(date), [table.columns.index(key) for key in keys]
    first = next(table.chunks(), None)
    if first is None or days.order_of((row[at], "", "") for row in first.rows) != "undecided":
        return None
    spans = _spans(deployments, keys)
    fitting = Counter(
        order
        for chunk in portions(table.chunks())
        for row in chunk.rows
        for order in _fitting(row[at], spans.get(tuple(row[place].strip() for place in places)))
    )
    told = [order for order in _ORDERS if fitting[order]]
    return told[0] if len(told) == 1 else None


def _fitting(text: str, span: tuple[int, int] | None) -> Iterator[days.Order]:
    """The one order in which the date lies in its deployment, if it does so in one alone."""
    if span is None:
        return
    fits = [order for order in _ORDERS if (day := _day(text, order)) and span[0] <= day <= span[1]]
    if len(fits) == 1:
        yield fits[0]


def _spans(deployments: Table, keys: Sequence[str]) -> dict[tuple[str, ...], tuple[int, int]]:
    """The first and last day of each deployment that says both, beginning with the year."""
    at = places_of(deployments)
    places = [at[name] for name in map(columns.plain, keys)]
    ends = [at.get(name) for name in ("startdate", "enddate")]
    spans = {}
    for chunk in deployments.chunks():
        for row in fitted(chunk, len(deployments.columns)).rows:
            first, last = (_day(row[end], "YMD") if end is not None else 0 for end in ends)
            if first and last:
                spans[tuple(row[place].strip() for place in places)] = (first, last)
    return spans


def _day(text: str, order: days.Order) -> int:
    try:
        return days.parse(text, order).first_day
    except days.NotADate:
        return 0
