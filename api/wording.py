"""What is said about an answer: ``meta`` for programs, words around the chart for people. Knows no drawing."""

from __future__ import annotations

from typing import Any

from api.draw import Words
from api.parameters import ReportParameters
from api.reports.report import UNITS, Report, Tidy
from db.questions.basis import Basis


def describe(
    report: Report[Any, Any], parameters: ReportParameters, tidy: Tidy, version: int, latest: str | None, zone: str,
    basis: Basis, unknown: tuple[str, ...],
) -> dict[str, Any]:  # fmt: skip
    """Everything that has to be known about the numbers; ``version`` is that of the scope, so that it holds still."""
    measure = getattr(parameters, "measure", None)
    return {
        "report": report.name,
        "question": report.question,
        "filters": parameters.understood(),
        "measure": measure,
        "unit": UNITS.get(measure or ""),
        "interval": getattr(parameters, "interval", None),
        **tidy.facts,
        "dataVersion": version,
        "dataAsOf": latest,
        "ingestedAt": basis.ingested_at,
        "timezone": zone,
        "partial": tidy.partial,
        "warnings": [*_warnings(basis, unknown), *tidy.warnings],
        "leftOut": tidy.left_out,
        "sources": [source.name for source in basis.sources],
    }


def _warnings(basis: Basis, unknown: tuple[str, ...]) -> list[str]:
    made_up = [source.name for source in basis.sources if source.made_up]
    told = [f"The records of the feed {name} are made up." for name in made_up]
    return told + [f"Nothing here is known by the name {name}." for name in unknown]


def caption(report: Report[Any, Any], parameters: ReportParameters, tidy: Tidy, told: dict[str, Any], site: str) -> Words:
    """Title, subtitle, footer and description of a chart; ``told`` is its meta."""
    title = parameters.title or report.heading(parameters)
    subtitle = _subtitle(parameters, tidy)
    footer = [
        *told["warnings"][:2],
        f"Data to {told['dataAsOf']}" if told["dataAsOf"] else "No data yet",
        f"Version {told['dataVersion']}",
        *([f"Ingested {told['ingestedAt'][:16].replace('T', ' ')} UTC"] if told["ingestedAt"] else []),
        site,
        told["timezone"],
    ]
    description = ". ".join(part for part in (title, subtitle, _in_words(tidy), footer[-5]) if part)
    return Words(title, subtitle, str(told["unit"] or ""), tuple(footer), description)


def _subtitle(parameters: ReportParameters, tidy: Tidy) -> str:
    names = list(dict.fromkeys(str(row["name"]) for row in tidy.rows if "name" in row))
    taxa = {"scientificName", "vernacularName", "species", "taxonKey"}
    filters = parameters.understood()
    parts = []
    if taxa & filters.keys():
        parts.append(", ".join(names) if 0 < len(names) <= 4 else ", ".join(sum((filters[n] for n in filters if n in taxa), [])))
    parts += [f"{name} {' or '.join(given)}" for name, given in filters.items() if name not in taxa]
    return " · ".join(parts)


def _in_words(tidy: Tidy) -> str:
    """The totals of the first lines or bars, for who cannot see them."""
    if "value" not in tidy.columns:
        return ""
    totals: dict[str, float] = {}
    for row in tidy.rows:
        totals[row["name"]] = totals.get(row["name"], 0) + row["value"]
    return "; ".join(f"{name}: {amount:g}" for name, amount in list(totals.items())[:8])
