"""Counts per hour of the day, a row for each species; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from api.asking.parameters import Limit, Measure, ReportParameters
from api.draw import Look, Picture, Rhythm, Words
from api.draw import diel as draw_diel
from api.reports.report import Report, Tidy, counted_as_one, leading, measured, only_rows, value
from api.shape import Shape
from api.speech import _, first_unit, readers_language
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count, TaxonLabel
from db.questions.hours import per_hour


class DielParameters(ReportParameters):
    """The shape of a day."""

    measure: Measure = "individuals"
    limit: Limit = 10


class DielRow(Shape):
    """How many of one species in one hour of the day."""

    hour: int
    name: str
    scientific_name: str | None
    vernacular_name: str | None
    value: int | float


@dataclass(frozen=True)
class Found:
    """What the database says: totals, counts per hour, and the names."""

    totals: list[Count]
    hours: list[Count]
    labels: dict[int, TaxonLabel]


def ask(connection: Connection, scope: Scope, _: DielParameters) -> Found:
    """Counts per hour of every taxon in the scope: those without a row still tell that somebody looked."""
    hours = per_hour(connection, scope)
    labels = counts.labels(
        connection, sorted({count.taxon_id for count in hours}), scope.as_of, readers_language()
    )
    return Found(counts.totals(connection, scope), hours, labels)


def shape(found: Found, parameters: DielParameters, _: int | None) -> Tidy:
    """A row for each of the leading species and each hour in which anything was recorded."""
    measure = parameters.measure
    ranked = leading(found.hours, measure, found.labels)
    shown = ranked[: parameters.limit]
    seen = sorted({count.bucket for count in found.hours})
    amounts = {(count.taxon_id, count.bucket): measured(count, measure) for count in found.hours}
    rows = [
        {
            "hour": hour,
            "name": found.labels[taxon].name,
            "scientificName": found.labels[taxon].scientific_name,
            "vernacularName": found.labels[taxon].vernacular_name,
            "value": value(amounts.get((taxon, hour), 0)),
        }
        for taxon in shown
        for hour in seen
    ]
    return Tidy(
        columns=("hour", "name", "scientificName", "vernacularName", "value"),
        rows=rows,
        left_out=_left_out(found, measure, set(shown)),
        warnings=counted_as_one(found.hours, measure),
        facts={"interval": "hour", "limit": parameters.limit, "species": len(ranked)},
        said=_said(rows),
    )


def _left_out(found: Found, measure: str, shown: set[int]) -> list[dict[str, Any]]:
    timed = sum(measured(count, measure) for count in found.hours)
    untimed = value(sum(measured(count, measure) for count in found.totals) - timed)
    beyond = value(sum(measured(count, measure) for count in found.hours if count.taxon_id not in shown))
    told = (
        {measure: untimed, "reason": _("They tell no time of day, or not in which year.")},
        {measure: beyond, "reason": only_rows(len(shown))},
    )
    return [one for one in told if one[measure] > 0]  # type: ignore[operator]


def _said(rows: list[dict[str, Any]]) -> str:
    """The hour of most of each of the first species."""
    peaks = []
    for name, some in groupby(rows, key=lambda row: row["name"]):
        most = max(some, key=lambda row: (row["value"], -row["hour"]))
        at, amount = f"{most['hour']:02}:00", most["value"]
        peaks.append(
            _("%(name)s: most at %(time)s local time, %(amount)s", name=name, time=at, amount=amount)
        )
    return "; ".join(peaks[:8])


def draw(tidy: Tidy, _parameters: DielParameters, words: Words, look: Look) -> Picture:
    """Bars for one species, rows of shades for several."""
    rhythms = []
    for name, some in groupby(tidy.rows, key=lambda row: row["name"]):
        rows = list(some)
        hours = tuple((row["hour"], row["value"]) for row in rows)
        rhythms.append(Rhythm(name, hours, name == rows[0]["scientificName"]))
    return draw_diel(rhythms, words, look)


def heading(parameters: DielParameters) -> str:
    """Individuals by hour of the day, and the like."""
    return _("%(records)s by hour of the day", records=first_unit(parameters.measure))


DIEL = Report(
    "diel",
    "At which hours of the day is each species recorded?",
    DielParameters, ask, shape, draw, heading, DielRow,
)  # fmt: skip
