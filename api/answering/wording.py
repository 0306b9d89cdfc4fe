"""What is said about an answer: ``meta`` for programs, words around the chart for people. Draws nothing."""

from __future__ import annotations

from typing import Any

from api.answering.order import Ground, Order
from api.asking.parameters import ReportParameters
from api.draw import Words
from api.draw.words import and_more, number
from api.reports.report import UNITS, Tidy, value
from api.speech import _, counted, filter_name, ngettext, unit
from db.filters import Scope
from db.questions.basis import Basis

_FEEDS = 4  # as many as are named under a chart


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
    return [
        ngettext(
            "The records of the feed %(feeds)s are made up.",
            "The records of the feeds %(feeds)s are made up.",
            len(made_up),
            feeds=", ".join(made_up),
        )
    ]


def nothing_known(scope: Scope) -> list[str]:
    """A sentence for each name and each key that nothing goes by."""
    names = [_("Nothing here is known by the name %(name)s.", name=name) for name in scope.unknown]
    keys = [_("Nothing here is known by the taxonKey %(key)s.", key=key) for key in scope.unknown_keys]
    return names + keys


def caption(order: Order, tidy: Tidy, told: dict[str, Any]) -> Words:
    """Title, subtitle, footer and description of a chart; ``told`` is its meta."""
    parameters = order.parameters
    title = parameters.title or tidy.heading or order.report.heading(parameters)
    subtitle = _subtitle(parameters, tidy)
    subtitle = "" if subtitle.casefold() == title.casefold() else subtitle
    freshness = _("Data to %(day)s", day=told["dataAsOf"]) if told["dataAsOf"] else _("No data yet")
    measure = _unit(told["unit"])
    footer = [  # what it takes to cite the picture, then what the numbers lack
        freshness,
        _("Version %(number)s", number=told["dataVersion"]),
        _feeds(told["sources"]),
        told["timezone"],
        *told["warnings"][:2],
        *(_left_out(one) for one in tidy.left_out),
        *([_ingested(told["ingestedAt"])] if told["ingestedAt"] else []),
        order.title,
    ]
    description = ". ".join(part for part in (title, subtitle, _in_words(tidy), freshness) if part)
    return Words(title, subtitle, measure, tuple(footer), description)


def _unit(told: str | None) -> str:
    """What is counted; a report that has a unit of its own has it in words already."""
    return unit(told) if told in UNITS else str(told or "")


def _ingested(at: str) -> str:
    return _("Ingested %(moment)s UTC", moment=at[:16].replace("T", " "))


def _feeds(names: list[str]) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:_FEEDS])
    if len(names) > _FEEDS:
        shown += f" {and_more(len(names) - _FEEDS)}"
    return ngettext("Feed %(names)s", "Feeds %(names)s", len(names), names=shown)


def _left_out(told: dict[str, Any]) -> str:
    amount, what = next((told[what], what) for what in told if what != "reason")
    return _(
        "%(amount)s left out: %(reason)s",
        amount=counted(amount, number(amount), what),
        reason=told["reason"],
    )


def _subtitle(parameters: ReportParameters, tidy: Tidy) -> str:
    names = list(dict.fromkeys(str(row["name"]) for row in tidy.rows if "name" in row))
    taxa = {"scientificName", "vernacularName", "species", "taxonKey"}
    filters = parameters.understood()
    written = {name.casefold(): name for name in names}
    asked = [written.get(one, one) for name, given in filters.items() if name in taxa for one in given]
    parts = [tidy.of] if tidy.of else [", ".join(names if 0 < len(names) <= 4 else asked)] if asked else []
    parts += [
        f"{filter_name(name)} {_(' or ').join(given)}" for name, given in filters.items() if name not in taxa
    ]
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
