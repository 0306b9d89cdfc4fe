"""Which species were recorded most; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from api.asking.parameters import Limit, Measure, ReportParameters
from api.draw import Bar, Look, Picture, Words, ranking
from api.reports.report import Report, Tidy, counted_as_one, leading, measured, only_rows, value
from api.shape import Shape
from api.speech import _, readers_language, unit
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count, TaxonLabel


class SpeciesParameters(ReportParameters):
    """The shape of a ranking."""

    measure: Measure = "individuals"
    limit: Limit = 10


class SpeciesRow(Shape):
    """How many of one species."""

    name: str
    scientific_name: str | None
    vernacular_name: str | None
    taxon_key: int
    value: int | float


@dataclass(frozen=True)
class Found:
    """What the database says: a count for each taxon, and the names."""

    totals: list[Count]
    labels: dict[int, TaxonLabel]


def ask(connection: Connection, scope: Scope, _: SpeciesParameters) -> Found:
    """Totals of every taxon in the scope."""
    totals = counts.totals(connection, scope)
    return Found(
        totals,
        counts.labels(
            connection, sorted(count.taxon_id for count in totals), scope.as_of, readers_language()
        ),
    )


def shape(found: Found, parameters: SpeciesParameters, _under_way: int | None) -> Tidy:
    """A row for each of the leading species."""
    measure = parameters.measure
    ranked = leading(found.totals, measure, found.labels)
    amounts = {count.taxon_id: measured(count, measure) for count in found.totals}
    rows = [
        {
            "name": found.labels[taxon].name,
            "scientificName": found.labels[taxon].scientific_name,
            "vernacularName": found.labels[taxon].vernacular_name,
            "taxonKey": taxon,
            "value": value(amounts[taxon]),
        }
        for taxon in ranked[: parameters.limit]
    ]
    beyond = value(sum(amounts[taxon] for taxon in ranked[parameters.limit :]))
    reason = only_rows(len(rows))
    return Tidy(
        columns=("name", "scientificName", "vernacularName", "taxonKey", "value"),
        rows=rows,
        left_out=[{measure: beyond, "reason": reason}] if beyond else [],
        warnings=counted_as_one(found.totals, measure),
        facts={"limit": parameters.limit, "species": len(ranked)},
    )


def draw(tidy: Tidy, parameters: SpeciesParameters, words: Words, look: Look) -> Picture:
    """A bar for each species; the other name it goes by follows in small type."""
    bars = [Bar(row["name"], row["value"], _other_name(row), row["name"] == row["scientificName"])
            for row in tidy.rows]  # fmt: skip
    return ranking(bars, words, look)


def _other_name(row: dict[str, str | None]) -> str:
    other = row["vernacularName"] if row["name"] == row["scientificName"] else row["scientificName"]
    return other if other and other != row["name"] else ""


def heading(parameters: SpeciesParameters) -> str:
    """Species by records, and the like."""
    return _("Species by %(measure)s", measure=unit(parameters.measure))


SPECIES = Report(
    "species", "Which species were recorded most?", SpeciesParameters, ask, shape, draw, heading, SpeciesRow
)
