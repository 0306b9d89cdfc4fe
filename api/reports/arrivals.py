"""When each species first and last appears in a year; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import Connection

from api.asking.parameters import Limit, ReportParameters
from api.draw import Look, Picture, Season, Words
from api.draw import arrivals as draw_arrivals
from api.reports.buckets import label
from api.reports.report import Report, Tidy, leading, not_precise
from api.shape import Shape
from api.speech import _, ngettext, readers_language
from db.filters import Scope
from db.questions import counts
from db.questions.counts import TaxonLabel
from db.questions.stays import Stay, dated_to_a_day, stays


class ArrivalsRow(Shape):
    """The first and the last day of a species in a year."""

    name: str
    scientific_name: str | None
    vernacular_name: str | None
    year: int
    first: str
    last: str
    partial: bool


class ArrivalsParameters(ReportParameters):
    """The shape of arrivals; a bucket is always a year."""

    interval: ClassVar[str] = "year"

    limit: Limit = 10


@dataclass(frozen=True)
class Found:
    """What the database says: the leading taxa, their stays, what is not dated to a day, how many more."""

    taxa: list[int]
    stays: list[Stay]
    labels: dict[int, TaxonLabel]
    vague: int
    species: int


def ask(connection: Connection, scope: Scope, parameters: ArrivalsParameters) -> Found:
    """The first and last days of the species with the most records."""
    filters = scope.filters
    per_year = counts.per_bucket(connection, scope, "year")
    labels = counts.labels(
        connection, sorted({count.taxon_id for count in per_year}), scope.as_of, readers_language()
    )
    ranked = leading(per_year, "records", labels)
    taxa = ranked[: parameters.limit]
    # Of a span of years only the years tell what is recorded in it without a look at every record.
    spanned = filters.days or filters.years or filters.months
    wholes = per_year if spanned else counts.totals(connection, scope)
    recorded = sum(count.records for count in wholes if count.taxon_id in taxa)
    vague = recorded - dated_to_a_day(connection, scope, taxa)
    return Found(taxa, stays(connection, scope, taxa), labels, vague, len(ranked))


def shape(found: Found, parameters: ArrivalsParameters, under_way: int | None) -> Tidy:
    """A row for each species and year with a record that is dated to a day; the leading species first."""
    rank = {taxon: place for place, taxon in enumerate(found.taxa)}
    rows = [
        {
            "name": found.labels[stay.taxon_id].name,
            "scientificName": found.labels[stay.taxon_id].scientific_name,
            "vernacularName": found.labels[stay.taxon_id].vernacular_name,
            "year": stay.year,
            "first": label(stay.first, "day"),
            "last": label(stay.last, "day"),
            "partial": stay.year == under_way,
        }
        for stay in sorted(found.stays, key=lambda stay: (rank[stay.taxon_id], stay.year))
    ]
    return Tidy(
        columns=("name", "scientificName", "vernacularName", "year", "first", "last", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=_left_out(found),
        facts={"limit": parameters.limit, "species": found.species},
        said=_said(rows),
    )


def _left_out(found: Found) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    if found.vague > 0:
        told.append({"records": found.vague, "reason": not_precise("day")})
    beyond = found.species - len(found.taxa)
    if beyond:
        told.append({"species": beyond, "reason": _only(len(found.taxa))})
    return told


def _only(shown: int) -> str:
    return ngettext(
        "Only the %(num)s leading species have rows.", "Only the %(num)s leading species have rows.", shown
    )


def _said(rows: list[dict[str, Any]]) -> str:
    latest = {
        row["name"]: _(
            "%(name)s: %(first)s to %(last)s", name=row["name"], first=row["first"], last=row["last"]
        )
        for row in rows
    }
    return "; ".join(list(latest.values())[:8]) or _("No record is dated to a day")


def draw(tidy: Tidy, _parameters: ArrivalsParameters, words: Words, look: Look) -> Picture:
    """From the first to the last day: a row for each species, or for each year of a lone one."""
    seasons = [
        Season(
            row["name"],
            row["year"],
            date.fromisoformat(row["first"]),
            date.fromisoformat(row["last"]),
            row["partial"],
            row["name"] == row["scientificName"],
        )
        for row in tidy.rows
    ]
    return draw_arrivals(seasons, words, look)


def heading(_parameters: ArrivalsParameters) -> str:
    """First and last of the year."""
    return _("First and last of the year")


ARRIVALS = Report(
    "arrivals",
    "When does each species first and last appear in a year?",
    ArrivalsParameters, ask, shape, draw, heading, ArrivalsRow,
)  # fmt: skip
