"""The chart of the course reading, one animal by year: a timeline drawn in its own way. Knows no route."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from api.answering.order import Order
from api.draw import Look, Picture, Words
from api.draw import reading as draw_reading
from api.reports.report import Report, Tidy, value
from api.reports.timeline import TimelineParameters
from db.filters import Scope
from db.questions.counts import Count, per_bucket, spelling

UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class Found:
    """Counts per year, and the animal's name as the data writes it."""

    counts: list[Count]
    animal: str


def ask(connection: Connection, found: Scope, parameters: TimelineParameters) -> Found:
    """Counts per year of everything that goes by the name."""
    name = parameters.species[0]
    return Found(per_bucket(connection, found, "year"), spelling(connection, name, found.as_of) or name)


def shape(found: Found, _parameters: TimelineParameters, _under_way: int | None) -> Tidy:
    """A row for each year with records: the individuals."""
    sums: dict[int, float] = {}
    for count in found.counts:
        sums[count.bucket] = sums.get(count.bucket, 0) + count.individuals
    rows: list[dict[str, Any]] = [
        {"date": year, "name": found.animal, "value": value(sums[year])} for year in sorted(sums)
    ]
    return Tidy(("date", "name", "value"), rows, facts={"animal": found.animal})


def draw(tidy: Tidy, _parameters: TimelineParameters, _words: Words, _look: Look) -> Picture:
    """The chart of the reading; a year without records is a gap."""
    values = {row["date"]: row["value"] for row in tidy.rows}
    years = range(min(values), max(values) + 1) if values else range(0)
    return draw_reading(years, [values.get(year) for year in years], tidy.facts["animal"])


ANIMAL = Report(
    "animal", "How many of one animal were seen each year?", TimelineParameters, ask, shape, draw,
    lambda parameters: f"{parameters.species[0]} Sightings",
)  # fmt: skip


def order(name: str, title: str = "", zone: ZoneInfo = UTC) -> Order:
    """The order of an animal's chart, by any of its names."""
    parameters = TimelineParameters.model_validate({"species": [name], "measure": "individuals"})
    return Order(ANIMAL, "svg", parameters, title, zone, known=True)
