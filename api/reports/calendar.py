"""Counts per day of the newest years; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from sqlalchemy import Connection

from api.asking.parameters import Limit, Measure, ReportParameters
from api.draw import Day, Look, Picture, Words
from api.draw import calendar as draw_calendar
from api.draw.words import number
from api.reports.buckets import label, labelled, start
from api.reports.report import Report, Tidy, counted_as_one, measured, too_vague, value
from api.reports.sums import Sums, summed_over, total
from api.shape import Shape
from api.speech import _, first_unit, ngettext, per, span
from db.filters import Scope
from db.models import FOREVER
from db.questions.counts import Count, per_bucket


class CalendarParameters(ReportParameters):
    """The shape of a calendar."""

    interval: ClassVar[str] = "day"
    measure: Measure = "individuals"
    limit: Limit = 3


class CalendarRow(Shape):
    """How many on one day."""

    date: str
    value: int | float
    partial: bool


@dataclass(frozen=True)
class Found(Sums):
    """Sums per day of the newest years that have days with records, and per year of all before these."""

    earlier: list[Count]

    @property
    def years(self) -> list[int]:
        """The years that have days."""
        return sorted({count.bucket // 10_000 for count in self.counts})


def ask(connection: Connection, scope: Scope, parameters: CalendarParameters) -> Found:
    """Days are many: those of years that are not shown are never read."""
    limit = parameters.limit
    per_year = {count.bucket: count for count in per_bucket(connection, scope, "year", apart=False)}
    waiting = sorted(per_year, reverse=True)
    days: list[Count] = []
    shown: list[int] = []
    # Years may hold nothing but records of a whole month or year: then older ones take their place.
    while waiting and len(shown) < limit:
        some, waiting = waiting[:limit], waiting[limit:]
        found = per_bucket(connection, _within(scope, some[-1], some[0]), "day", apart=False)
        shown = sorted({*shown, *(count.bucket // 10_000 for count in found)}, reverse=True)[:limit]
        days += [count for count in found if count.bucket // 10_000 in shown]
    days.sort(key=lambda count: count.bucket)
    earlier = [per_year[year] for year in sorted(per_year) if shown and year < shown[-1]]
    return Found(days, total(connection, scope), summed_over(connection, scope), earlier)


def _within(scope: Scope, first_year: int, last_year: int) -> Scope:
    """The scope from a year to a year, both of which it has records of; all else still holds."""
    start, end = first_year * 10_000 + 101, last_year * 10_000 + 1231
    given = scope.filters.days or ((0, FOREVER),)
    days = tuple(
        (max(first, start), min(last, end)) for first, last in given if first <= end and last >= start
    )
    return replace(scope, filters=replace(scope.filters, days=days))


def shape(found: Found, parameters: CalendarParameters, under_way: int | None) -> Tidy:
    """A row for each day that has a record; 0 where there is none but of an absence."""
    measure = parameters.measure
    rows = [
        {
            "date": label(count.bucket, "day"),
            "value": value(measured(count, measure)),
            "partial": count.bucket == under_way,
        }
        for count in found.counts
    ]
    return Tidy(
        columns=("date", "value", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=_left_out(found, measure),
        warnings=counted_as_one(found.counts, measure),
        facts={"summedOver": found.of, "limit": parameters.limit, "years": found.years},
        said=_said(found, measure),
        of=found.of,
    )


def _left_out(found: Found, measure: str) -> list[dict[str, Any]]:
    before = value(sum(measured(count, measure) for count in found.earlier))
    told: list[dict[str, Any]] = []
    if before > 0:
        told.append(
            {measure: before, "reason": _("They are of the years before %(year)s.", year=found.years[0])}
        )
    return told + too_vague([found.total], [*found.counts, *found.earlier], measure, "day")


def _said(found: Found, measure: str) -> str:
    """How many days, and the one of most."""
    days = [count for count in found.counts if count.records]
    if not days:
        return ""
    most = max(days, key=lambda count: measured(count, measure))
    return ngettext(
        "%(num)s days with records in %(years)s; most on %(day)s: %(amount)s",
        "%(num)s days with records in %(years)s; most on %(day)s: %(amount)s",
        len(days),
        num=number(len(days)),
        years=span(str(found.years[0]), str(found.years[-1])),
        day=label(most.bucket, "day"),
        amount=number(measured(most, measure)),
    )


def draw(tidy: Tidy, _parameters: CalendarParameters, words: Words, look: Look) -> Picture:
    """A cell for each day."""
    days = [
        Day(start(labelled(row["date"], "day"), "day"), row["value"], row["partial"]) for row in tidy.rows
    ]
    return draw_calendar(days, tidy.of, words, look)


def heading(parameters: CalendarParameters) -> str:
    """Individuals per day, and the like."""
    return _("%(records)s %(per_interval)s", records=first_unit(parameters.measure), per_interval=per("day"))


CALENDAR = Report(
    "calendar",
    "On which days was anything recorded?",
    CalendarParameters, ask, shape, draw, heading, CalendarRow,
)  # fmt: skip
