"""The charts of the page: what each asks, says and is called. Knows no HTTP and no template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.answering.answers import order
from api.answering.order import Ground, Order, survey
from api.answering.wording import describe
from api.asking.query import Pairs
from api.asking.values import read_name
from api.draw import clean
from api.draw.look import Theme
from api.draw.words import THIN
from api.page.board.figures import BROAD, SIDE, SMALL, WIDE, Asked, Figure, Shapes
from api.page.board.fitting import Fitting
from api.page.query import TAXA, PageParameters, link
from api.page.speech import _, later
from api.page.ways import of_species
from api.page.words import NARROW, amount, counted
from api.reports.report import Tidy, measured, not_precise
from api.speech import per
from db.filters import taxa_named
from db.questions.summary import latest

RANKED, LEADING, YEARS = 10, 6, 2


@dataclass(frozen=True)
class Told:
    """What a report says."""

    ground: Ground
    tidy: Tidy
    meta: dict[str, Any]
    heading: str


def tell(connection: Connection, report: str, given: Pairs) -> Told:
    """Ask a report in this transaction, as its URL would."""
    return told(connection, order(report, "json", given))


def told(connection: Connection, wanted: Order) -> Told:
    """What is told in answer to an order."""
    ground = survey(connection, wanted)
    found = wanted.report.ask(connection, ground.scope, wanted.parameters)
    tidy = wanted.report.shape(found, wanted.parameters, ground.open_bucket)
    meta = describe(wanted, ground, tidy, latest(connection, ground.scope))
    return Told(ground, tidy, meta, wanted.report.heading(wanted.parameters))


def timeline(connection: Connection, parameters: PageParameters, fitting: Fitting, shapes: Shapes) -> Figure:
    """The leading animals over time, and how much of them has no place in it."""
    interval, measure = parameters.interval or fitting.interval(), parameters.measure
    shape = [("interval", interval), ("measure", measure), ("limit", str(LEADING))]
    answer = tell(connection, "timeline", [*parameters.pairs(), *shape])
    sums: dict[str, float] = {}
    for row in answer.tidy.rows:
        sums[called(row)] = sums.get(called(row), 0) + row["value"]
    spoken = ", ".join(f"{name} {amount(number)}" for name, number in sums.items())
    asked = Asked("timeline", [*parameters.pairs(), *shape], answer.ground.scope.version, parameters.theme)
    heading = answer.heading
    alt = f"{heading}: {spoken}" if spoken else heading
    vague = (left for left in answer.tidy.left_out if left["reason"] == not_precise(interval))
    note = " ".join(_without(left, measure) for left in vague)
    return asked.figure("timeline", heading, alt, shapes, note=note)


def _without(left: dict[str, Any], measure: str) -> str:
    return _("Without %(amount)s.", amount=counted(left[measure], measure)) + f" {left['reason']}"


def ranking(parameters: PageParameters, answer: Told) -> Figure:
    """Which species were recorded most."""
    measure = parameters.measure
    shape = [("measure", measure), ("limit", str(RANKED))]
    spoken = ", ".join(f"{called(row)} {amount(row['value'])}" for row in answer.tidy.rows)
    asked = Asked("species", [*parameters.pairs(), *shape], answer.ground.scope.version, parameters.theme)
    species = counted(answer.tidy.facts["species"], "species")
    if answer.tidy.facts["species"] > RANKED:
        note = _("The leading %(some)s of %(species)s", some=RANKED, species=species)
    else:
        note = species
    return asked.figure("species", answer.heading, f"{answer.heading}: {spoken}", SIDE, note=note)


@dataclass(frozen=True)
class Panel:
    """A chart that is shown where there is anything to see in it, and what to say where there is not."""

    report: str
    shapes: Shapes
    nothing: str
    measured: bool = True
    limit: int | None = None
    noted: bool = True
    """Whether what the report says in words is short enough to stand below it."""

    def pairs(self, filters: Pairs, measure: str) -> Pairs:
        """What is asked."""
        shape = [("measure", measure)] if self.measured else []
        return [*filters, *shape, *([("limit", str(self.limit))] if self.limit else [])]

    def figure(self, answer: Told, pairs: Pairs, shapes: Shapes, theme: Theme) -> Figure:
        """The chart of what was answered."""
        alt = f"{answer.heading}: {answer.tidy.said}" if answer.tidy.said else answer.heading
        note = answer.tidy.said.replace(THIN, NARROW) if self.noted else ""
        asked = Asked(self.report, pairs, answer.ground.scope.version, theme)
        return asked.figure(self.report, answer.heading, alt, shapes, note=note)


PHENOLOGY = Panel("phenology", WIDE, later("a season: no record is dated to a week"))
ARRIVALS = Panel(
    "arrivals", SIDE, later("first and last days: no record is dated to a day"), False, RANKED, False
)
CALENDAR = Panel("calendar", BROAD, later("a calendar: no record is dated to a day"), limit=YEARS)
MAP = Panel("map", WIDE, later("a map: no record has coordinates"))
SEASONALITY = Panel("seasonality", BROAD, later("months and years: no record is dated to a month"))
DIEL = Panel("diel", SIDE, later("hours of the day: no record tells its time"), limit=RANKED, noted=False)


def animals(
    connection: Connection, parameters: PageParameters, fitting: Fitting, rows: list[dict[str, Any]]
) -> tuple[Figure, ...]:
    """A chart for each of the leading animals, at the interval that fits its own dates."""
    measure, figures = parameters.measure, []
    for row in rows:
        interval = parameters.interval or fitting.interval(row["taxonKey"])
        alone = only(connection, parameters, row)
        pairs = [*alone, ("interval", interval), ("measure", measure)]
        scope = survey(connection, order("timeline", "json", pairs)).scope
        name = called(row)
        # With the taxa below it, as in its chart.
        shown = [one for one in fitting.totals if scope.taxa is None or one.taxon_id in scope.taxa]
        total = counted(sum(measured(one, measure) for one in shown), measure)
        rate = per(interval)
        figures.append(
            Asked("timeline", pairs, scope.version, parameters.theme, clean(name, 80)).figure(
                f"animal-{row['taxonKey']}",
                name,
                _("%(name)s: %(amount)s, drawn %(per_interval)s", name=name, amount=total, per_interval=rate),
                SMALL,
                note=_("%(amount)s, %(per_interval)s", amount=total, per_interval=rate),
                page=link([*alone, *parameters.settings()]),
                about=of_species(row["taxonKey"], parameters.settings()),
            )
        )
    return tuple(figures)


def called(row: dict[str, Any]) -> str:
    """What people call the species of a row."""
    return str(row["vernacularName"] or row["name"])


def only(connection: Connection, parameters: PageParameters, row: dict[str, Any]) -> list[tuple[str, str]]:
    """The same question of one taxon alone: by its name, which lasts, where nothing else goes by it."""
    rest = [(name, value) for name, value in parameters.pairs() if name not in TAXA]
    return [by_name(connection, row), *rest]


def by_name(connection: Connection, row: dict[str, Any]) -> tuple[str, str]:
    """The filter that leaves a taxon alone; ``row`` has its ``name`` and its ``taxonKey``."""
    try:
        key = read_name(row["name"])
    except ValueError:
        return "taxonKey", str(row["taxonKey"])
    if taxa_named(connection, key, None) != [row["taxonKey"]]:
        return "taxonKey", str(row["taxonKey"])
    return "species", row["name"]
