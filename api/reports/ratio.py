"""How many of one species for each of another, per interval; knows neither the web nor the tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from pydantic import Field
from sqlalchemy import Connection

from api.asking.parameters import Interval, Measure, Name, ReportParameters
from api.asking.query import BadParameter
from api.draw import Line, Look, Picture, Words
from api.draw import timeline as draw_timeline
from api.draw.words import number
from api.reports.buckets import label
from api.reports.report import Report, Tidy, counted_as_one, measured, too_vague, value
from api.reports.timeline import MOST_ROWS, points
from api.shape import Shape
from api.speech import _, buckets, later, unit
from db.filters import Filters, Scope, taxa_named
from db.questions import counts
from db.questions.counts import Count


class RatioRow(Shape):
    """How many of one for each of the other in one bucket; nothing to divide by is no value."""

    date: int | str
    numerator: int | float
    denominator: int | float
    value: int | float | None
    partial: bool


class RatioParameters(ReportParameters):
    """The two species, by any name that ``species`` takes, and the shape of the line."""

    numerator: Name = Field(description="The species that is divided, by any name.", examples=["Wolf"])
    denominator: Name = Field(description="The species that it is divided by.", examples=["Deer"])
    interval: Interval = "year"
    measure: Measure = "individuals"

    @property
    def filters(self) -> Filters:
        """The two species; a filter for taxa keeps to those of them that it names."""
        return replace(super().filters, among=tuple(sorted({self.numerator, self.denominator})))

    @property
    def demanded(self) -> tuple[tuple[str, str], ...]:
        """Both names: of what nobody knows there is no ratio."""
        return ("numerator", self.numerator), ("denominator", self.denominator)


_UNITS = {
    "records": later("records per record"),
    "individuals": later("individuals per individual"),
}
_BY = {
    "year": later("by year"),
    "month": later("by month"),
    "week": later("by week"),
    "day": later("by day"),
    "hour": later("by hour"),
}


@dataclass(frozen=True)
class Side:
    """One half of the fraction: what the data calls it, and its taxa."""

    name: str
    taxa: frozenset[int]

    def amounts(self, found: list[Count], measure: str) -> dict[int, float]:
        """Bucket -> how many of it."""
        sums: dict[int, float] = {}
        for count in found:
            if count.taxon_id in self.taxa:
                sums[count.bucket] = sums.get(count.bucket, 0) + measured(count, measure)
        return sums


@dataclass(frozen=True)
class Found:
    """What the database says of both."""

    totals: list[Count]
    counts: list[Count]
    numerator: Side
    denominator: Side


def ask(connection: Connection, scope: Scope, parameters: RatioParameters) -> Found:
    """Counts per bucket of the taxa of either name."""
    return Found(
        counts.totals(connection, scope),
        counts.per_bucket(connection, scope, parameters.interval),
        _side(connection, scope, parameters.numerator),
        _side(connection, scope, parameters.denominator),
    )


def _side(connection: Connection, scope: Scope, name: str) -> Side:
    taxa = frozenset(taxa_named(connection, name, scope.as_of))
    return Side(counts.spelling(connection, name, scope.as_of) or name, taxa)


def shape(found: Found, parameters: RatioParameters, under_way: int | None) -> Tidy:
    """A row for each bucket with a record of either, even of an absence.

    Where there is nothing to divide by, ``value`` is None: a gap, which is not the 0 of nothing to divide.
    """
    interval, measure = parameters.interval, parameters.measure
    above = found.numerator.amounts(found.counts, measure)
    below = found.denominator.amounts(found.counts, measure)
    seen = sorted(above.keys() | below.keys())
    if len(seen) > MOST_ROWS:
        raise BadParameter(
            _(
                "%(buckets)s are more than one answer holds: ask for a longer interval or less time.",
                buckets=buckets(len(seen), interval),
            ),
            "interval",
        )
    rows = [
        {
            "date": bucket if interval == "year" else label(bucket, interval),
            "numerator": value(above.get(bucket, 0)),
            "denominator": value(below.get(bucket, 0)),
            "value": _divided(value(above.get(bucket, 0)), value(below.get(bucket, 0))),
            "partial": bucket == under_way,
        }
        for bucket in seen
    ]
    name = _named(found.numerator.name, found.denominator.name)
    return Tidy(
        columns=("date", "numerator", "denominator", "value", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=too_vague(found.totals, found.counts, measure, interval),
        warnings=[*counted_as_one(found.counts, measure), *_undivided(rows, found.denominator.name)],
        facts={
            "numerator": found.numerator.name,
            "denominator": found.denominator.name,
            "unit": _(_UNITS[measure]),
        },
        said=_said(rows, name),
        heading=_("%(ratio)s %(by_interval)s", ratio=name, by_interval=_(_BY[interval])),
    )


def _divided(above: float, below: float) -> int | float | None:
    """Not rounded: one wolf for four million deer is not none."""
    if not below:
        return None
    whole = above / below
    return int(whole) if whole == int(whole) else whole


def _undivided(rows: list[dict[str, Any]], below: str) -> list[str]:
    if not rows or any(row["denominator"] for row in rows):
        return []
    return [_("There is no %(species)s to divide by.", species=below)]


def _said(rows: list[dict[str, Any]], name: str) -> str:
    known = [row for row in rows if row["value"] is not None]
    if not known:
        nothing = _("%(ratio)s: nothing to divide by", ratio=name)
        return nothing if rows else _("%(ratio)s: no records", ratio=name)
    ends = (end(known, key=lambda row: row["value"]) for end in (min, max))
    last, least, most = (
        _("%(amount)s in %(date)s", amount=number(row["value"]), date=row["date"])
        for row in (known[-1], *ends)
    )
    return _(
        "%(ratio)s: %(last)s; lowest %(least)s, highest %(most)s",
        ratio=name, last=last, least=least, most=most,
    )  # fmt: skip


def draw(tidy: Tidy, parameters: RatioParameters, words: Words, look: Look) -> Picture:
    """One line, broken where there is nothing to divide by."""
    name = _named(tidy.facts["numerator"], tidy.facts["denominator"])
    line = Line(name, tuple(points(tidy.rows, parameters.interval)))
    empty = _("Nothing to divide by") if tidy.rows else ""
    counted = _("%(ratio)s, in %(measure)s", ratio=name, measure=unit(parameters.measure))
    words = replace(words, measure=counted)
    return draw_timeline([line], parameters.interval, words, look, empty=empty)


def heading(parameters: RatioParameters) -> str:
    """Wolf per deer; the answer itself knows how the data writes them."""
    return _named(parameters.numerator, parameters.denominator)


def _named(above: str, below: str) -> str:
    return _("%(one)s per %(other)s", one=above, other=below)


RATIO = Report(
    "ratio",
    "How many of one species for each of another?",
    RatioParameters,
    ask,
    shape,
    draw,
    heading,
    RatioRow,
)
