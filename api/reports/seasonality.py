"""Counts per month of every year; knows neither the web nor the database's tables."""

from __future__ import annotations

from typing import ClassVar

from sqlalchemy import Connection

from api.asking.parameters import Measure, ReportParameters
from api.draw import Look, Month, Picture, Words
from api.draw import seasonality as draw_seasonality
from api.draw.words import number
from api.reports.buckets import label
from api.reports.report import Report, Tidy, counted_as_one, measured, too_vague, value
from api.reports.sums import Sums, ask_sums
from api.shape import Shape
from api.speech import _, first_unit, unit
from db.filters import Scope


class SeasonalityParameters(ReportParameters):
    """The shape of the seasons."""

    interval: ClassVar[str] = "month"
    measure: Measure = "individuals"


class SeasonalityRow(Shape):
    """How many in one month."""

    year: int
    month: int
    date: str
    value: int | float
    partial: bool


def ask(connection: Connection, scope: Scope, parameters: SeasonalityParameters) -> Sums:
    """Sums per month."""
    return ask_sums(connection, scope, parameters.interval)


def shape(found: Sums, parameters: SeasonalityParameters, under_way: int | None) -> Tidy:
    """A row for each month that has a record; 0 where there is none but of an absence."""
    measure = parameters.measure
    rows = [
        {
            "year": count.bucket // 100,
            "month": count.bucket % 100,
            "date": label(count.bucket, "month"),
            "value": value(measured(count, measure)),
            "partial": count.bucket == under_way,
        }
        for count in found.counts
    ]
    return Tidy(
        columns=("year", "month", "date", "value", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=too_vague([found.total], found.counts, measure, "month"),
        warnings=counted_as_one(found.counts, measure),
        facts={"summedOver": found.of, "years": len({row["year"] for row in rows})},
        said=_said(found, measure),
        of=found.of,
    )


def _said(found: Sums, measure: str) -> str:
    """The span, and the month of most in any year."""
    if not found.counts:
        return ""
    most = max(found.counts, key=lambda count: measured(count, measure))
    first, last = (label(count.bucket, "month") for count in (found.counts[0], found.counts[-1]))
    return _(
        "From %(first)s to %(last)s; most in %(month)s: %(amount)s %(measure)s",
        first=first,
        last=last,
        month=label(most.bucket, "month"),
        amount=number(measured(most, measure)),
        measure=unit(measure),
    )


def draw(tidy: Tidy, _parameters: SeasonalityParameters, words: Words, look: Look) -> Picture:
    """A shade for each month."""
    months = [Month(row["year"], row["month"], row["value"], row["partial"]) for row in tidy.rows]
    return draw_seasonality(months, tidy.of, words, look)


def heading(parameters: SeasonalityParameters) -> str:
    """Individuals by year and month, and the like."""
    return _("%(records)s by year and month", records=first_unit(parameters.measure))


SEASONALITY = Report(
    "seasonality",
    "In which months is it recorded, year by year?",
    SeasonalityParameters, ask, shape, draw, heading, SeasonalityRow,
)  # fmt: skip
