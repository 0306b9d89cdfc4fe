"""The weeks of one year over those of the years before; knows neither the web nor the database's tables."""

from __future__ import annotations

import statistics
from typing import Any, ClassVar

from sqlalchemy import Connection

from api.asking.parameters import Measure, ReportParameters
from api.draw import Look, Picture, Usual, Week, Words, Year
from api.draw import phenology as draw_phenology
from api.draw.words import number
from api.reports.buckets import label
from api.reports.report import Report, Tidy, counted_as_one, measured, too_vague, value
from api.reports.sums import Sums, ask_sums
from api.shape import Shape
from api.speech import _, first_unit, unit
from db.filters import Scope

ENOUGH = 4
"""As many earlier years have quarters; of fewer, the whole range is shown."""


class PhenologyParameters(ReportParameters):
    """The shape of a year."""

    interval: ClassVar[str] = "week"
    measure: Measure = "individuals"


class PhenologyRow(Shape):
    """How many in one ISO week."""

    year: int
    week: int
    date: str
    value: int | float
    partial: bool


def ask(connection: Connection, scope: Scope, parameters: PhenologyParameters) -> Sums:
    """Sums per ISO week."""
    return ask_sums(connection, scope, parameters.interval)


def shape(found: Sums, parameters: PhenologyParameters, under_way: int | None) -> Tidy:
    """A row for each week of each year that has a record; 0 where there is none but of an absence.

    The facts name the year that is shown, and what was usual in each week before it.
    """
    measure = parameters.measure
    rows = [
        {
            "year": count.bucket // 1000,
            "week": count.bucket % 1000,
            "date": label(count.bucket, "week"),
            "value": value(measured(count, measure)),
            "partial": count.bucket == under_way,
        }
        for count in found.counts
    ]
    years = sorted({count.bucket // 1000 for count in found.counts})
    facts: dict[str, Any] = {
        "summedOver": found.of,
        "year": years[-1] if years else None,
        "earlierYears": years[:-1],
        "band": _band(years[:-1]),
        "usual": _usual(rows, years[:-1]),
    }
    return Tidy(
        columns=("year", "week", "date", "value", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=too_vague([found.total], found.counts, measure, "week"),
        warnings=counted_as_one(found.counts, measure),
        facts=facts,
        said=_said(rows, facts, measure),
        of=found.of,
    )


def _band(earlier: list[int]) -> str | None:
    """What low and high are; one earlier year has neither."""
    if len(earlier) < 2:
        return None
    return "quartiles" if len(earlier) >= ENOUGH else "range"


def _usual(rows: list[dict[str, Any]], earlier: list[int]) -> list[dict[str, Any]]:
    """Low, median and high of each week over the earlier years that have a record in it, and how many do.

    Quartiles lie between two values as in Hyndman and Fan's seventh definition (pandas' and R's own).
    """
    weeks: dict[int, list[float]] = {}
    for row in rows:
        if row["year"] in earlier:
            weeks.setdefault(row["week"], []).append(row["value"])
    return [
        {
            "week": week,
            "low": value(low),
            "median": value(statistics.median(values)),
            "high": value(high),
            "years": len(values),
        }
        for week, values in sorted(weeks.items())
        for low, high in [_ends(values, _band(earlier) == "quartiles")]
    ]


def _ends(values: list[float], quartiles: bool) -> tuple[float, float]:
    if not quartiles or len(values) == 1:
        return min(values), max(values)
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, high


def _said(rows: list[dict[str, Any]], facts: dict[str, Any], measure: str) -> str:
    """From when to when it was recorded in the year that is shown, and the week of most."""
    shown = [row for row in rows if row["year"] == facts["year"] and row["value"]]
    if not shown:
        return ""
    most = max(shown, key=lambda row: row["value"])
    told = _(
        "Recorded from %(first)s to %(last)s, most in %(week)s: %(amount)s %(measure)s",
        first=shown[0]["date"],
        last=shown[-1]["date"],
        week=most["date"],
        amount=number(most["value"]),
        measure=unit(measure),
    )
    if not facts["earlierYears"]:
        return told
    return _("%(told)s; over %(years)s", told=told, years=_span(facts["earlierYears"]))


def _span(years: list[int]) -> str:
    return f"{years[0]}\u2013{years[-1]}" if len(years) > 1 else str(years[0])


def draw(tidy: Tidy, _parameters: PhenologyParameters, words: Words, look: Look) -> Picture:
    """A line for the year over a band of the earlier ones."""
    facts = tidy.facts
    if not tidy.rows:
        return draw_phenology(None, tidy.of, words, look)
    weeks = [row for row in tidy.rows if row["year"] == facts["year"]]
    shown = Year(
        facts["year"],
        tuple(Week(row["week"], row["value"], row["partial"]) for row in weeks),
        tuple(Usual(one["week"], one["low"], one["median"], one["high"]) for one in facts["usual"]),
        {"quartiles": _("middle half"), "range": _("range"), None: ""}[facts["band"]],
        _span(facts["earlierYears"]) if facts["earlierYears"] else "",
    )
    return draw_phenology(shown, tidy.of, words, look)


def heading(parameters: PhenologyParameters) -> str:
    """Individuals by week of the year, and the like."""
    return _("%(records)s by week of the year", records=first_unit(parameters.measure))


PHENOLOGY = Report(
    "phenology",
    "In which weeks of the year is it recorded, and is this year different?",
    PhenologyParameters, ask, shape, draw, heading, PhenologyRow,
)  # fmt: skip
