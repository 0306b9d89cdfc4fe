"""What is said about an answer: ``meta`` for programs, words around the chart for people. Draws nothing."""

from __future__ import annotations

from typing import Any

from api.answering.order import Ground, Order
from api.asking.parameters import ReportParameters
from api.draw import Words
from api.draw.words import number
from api.reports.report import UNITS, Tidy, value
from db.filters import Scope
from db.questions.basis import Basis

_FEEDS = 4  # as many as are named under a chart
_ONE = {"records": "record", "individuals": "individual", "taxa": "taxon"}


def describe(order: Order, ground: Ground, tidy: Tidy, latest: str | None) -> dict[str, Any]:
    """What has to be known about the numbers; the version is the scope's, so that it holds still."""
    parameters, basis = order.parameters, ground.basis
    measure = getattr(parameters, "measure", None)
    return {
        "report": order.report.name,
        "question": order.report.question,
        "filters": parameters.understood(),
        "measure": measure,
        "unit": UNITS.get(measure or ""),
        "interval": getattr(parameters, "interval", None),
        **tidy.facts,
        "dataVersion": ground.scope.version,
        "dataAsOf": latest,
        "ingestedAt": basis.ingested_at,
        "timezone": str(order.zone),
        "partial": tidy.partial,
        "warnings": [*_warnings(basis), *nothing_known(ground.scope), *tidy.warnings],
        "leftOut": tidy.left_out,
        "sources": [source.name for source in basis.sources],
    }


def _warnings(basis: Basis) -> list[str]:
    made_up = [source.name for source in basis.sources if source.made_up]
    if not made_up:
        return []
    feeds = f"feed {made_up[0]}" if len(made_up) == 1 else f"feeds {', '.join(made_up)}"
    return [f"The records of the {feeds} are made up."]


def nothing_known(scope: Scope) -> list[str]:
    """A sentence for each name and each key that nothing goes by."""
    names = [f"name {name}" for name in scope.unknown]
    keys = [f"taxonKey {key}" for key in scope.unknown_keys]
    return [f"Nothing here is known by the {one}." for one in (*names, *keys)]


def caption(order: Order, tidy: Tidy, told: dict[str, Any]) -> Words:
    """Title, subtitle, footer and description of a chart; ``told`` is its meta."""
    parameters = order.parameters
    title = parameters.title or tidy.heading or order.report.heading(parameters)
    subtitle = _subtitle(parameters, tidy)
    subtitle = "" if subtitle.casefold() == title.casefold() else subtitle
    freshness = f"Data to {told['dataAsOf']}" if told["dataAsOf"] else "No data yet"
    unit = str(told["unit"] or "")
    footer = [  # what it takes to cite the picture, then what the numbers lack
        freshness,
        f"Version {told['dataVersion']}",
        _feeds(told["sources"]),
        told["timezone"],
        *told["warnings"][:2],
        *(_left_out(one) for one in tidy.left_out),
        *([f"Ingested {told['ingestedAt'][:16].replace('T', ' ')} UTC"] if told["ingestedAt"] else []),
        order.title,
    ]
    description = ". ".join(part for part in (title, subtitle, _in_words(tidy), freshness) if part)
    return Words(title, subtitle, unit, tuple(footer), description)


def _feeds(names: list[str]) -> str:
    shown = ", ".join(names[:_FEEDS]) + (f" and {len(names) - _FEEDS} more" if len(names) > _FEEDS else "")
    return f"Feed{'s' * (len(names) > 1)} {shown}" if names else ""


def _left_out(told: dict[str, Any]) -> str:
    amount, unit = next((told[unit], unit) for unit in told if unit != "reason")
    return f"{number(amount)} {_ONE.get(unit, unit) if amount == 1 else unit} left out: {told['reason']}"


def _subtitle(parameters: ReportParameters, tidy: Tidy) -> str:
    names = list(dict.fromkeys(str(row["name"]) for row in tidy.rows if "name" in row))
    taxa = {"scientificName", "vernacularName", "species", "taxonKey"}
    filters = parameters.understood()
    written = {name.casefold(): name for name in names}
    asked = [written.get(one, one) for name, given in filters.items() if name in taxa for one in given]
    parts = [tidy.of] if tidy.of else [", ".join(names if 0 < len(names) <= 4 else asked)] if asked else []
    parts += [f"{name} {' or '.join(given)}" for name, given in filters.items() if name not in taxa]
    return " · ".join(parts)


def _in_words(tidy: Tidy) -> str:
    """The main facts, for who cannot see the picture: its own words, or the first totals."""
    if tidy.said:
        return tidy.said
    if "value" not in tidy.columns:
        return ""
    totals: dict[str, float] = {}
    for row in tidy.rows:
        totals[row["name"]] = totals.get(row["name"], 0) + (row["value"] or 0)
    return "; ".join(f"{name}: {number(value(amount))}" for name, amount in list(totals.items())[:8])
