"""What a report is: a question, its shape as tidy rows, its drawing. Knows no single report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from api.asking.parameters import ReportParameters
from api.draw import Look, Picture, Words
from api.shape import PlainRow
from api.speech import _, ngettext, one_interval
from db.filters import Scope
from db.questions.counts import Count, TaxonLabel

P = TypeVar("P", bound=ReportParameters)
F = TypeVar("F")

UNITS = {"records": "records", "individuals": "individuals", "species": "species"}


@dataclass(frozen=True)
class Tidy:
    """A report's answer as rows of plain values, one observation each, and what has to be said about them."""

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    partial: bool = False
    left_out: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    """What this report tells in ``meta`` beside what all of them tell."""
    said: str = ""
    """The main facts in words, for who cannot see the picture; where it is empty, the totals by name."""
    of: str = ""
    """What its rows are summed over, where they bear no names."""
    heading: str = ""
    """The chart's title where only the data can tell it; where it is empty, the report's own."""


@dataclass(frozen=True)
class Report(Generic[P, F]):
    """One question: ``ask`` it in the database, ``shape`` what was found, ``draw`` what was shaped."""

    name: str
    question: str
    parameters: type[P]
    ask: Callable[[Connection, Scope, P], F]
    shape: Callable[[F, P, int | None], Tidy]
    """The third argument is the bucket under way, None where none can show."""
    draw: Callable[[Tidy, P, Words, Look], Picture]
    heading: Callable[[P], str]
    """The chart's title where none was asked for."""
    row: Any = PlainRow
    """The type that describes a row, for those who describe the API."""


def value(amount: float) -> int | float:
    """A whole number where it is one, else rounded to a millionth: what JSON and CSV both hold."""
    rounded = round(amount, 6)
    return int(rounded) if rounded == int(rounded) else rounded


def measured(count: Count, measure: str) -> float:
    """The one of a count's numbers that is asked for."""
    return count.individuals if measure == "individuals" else count.records


def leading(counts: Sequence[Count], measure: str, labels: dict[int, TaxonLabel]) -> list[int]:
    """The taxa with anything to count, the most first, equals by name, so that their order holds still."""
    amounts: dict[int, float] = {}
    for count in counts:
        amounts[count.taxon_id] = amounts.get(count.taxon_id, 0) + measured(count, measure)
    # Rounded, because decimals that were added in another order differ in their last digits.
    rounded = {taxon: value(amount) for taxon, amount in amounts.items()}
    found = [taxon for taxon, amount in rounded.items() if amount > 0]
    return sorted(found, key=lambda taxon: (-rounded[taxon], labels[taxon].name))


def too_vague(
    totals: Sequence[Count], counts: Sequence[Count], measure: str, interval: str
) -> list[dict[str, Any]]:
    """What the totals hold and no bucket of the interval does, as a part of ``left_out``."""
    vague = value(
        sum(measured(one, measure) for one in totals) - sum(measured(one, measure) for one in counts)
    )
    return [{measure: vague, "reason": not_precise(interval)}] if vague > 0 else []


def not_precise(interval: str) -> str:
    """Why something is in no bucket."""
    return _(
        "Their date is missing or not precise enough for %(one_interval)s.",
        one_interval=one_interval(interval),
    )


def only_rows(shown: int) -> str:
    """Why the species that are not among the leading ones are missing."""
    return ngettext(
        "Only the %(num)s leading species have a row.", "Only the %(num)s leading species have a row.", shown
    )


def counted_as_one(counts: Sequence[Count], measure: str) -> list[str]:
    """What has to be said of records without a count where individuals are counted."""
    uncounted = sum(count.uncounted for count in counts)
    if measure != "individuals" or not uncounted:
        return []
    return [
        ngettext(
            "1 record without a count was counted as one individual.",
            "%(num)s records without a count were counted as one individual each.",
            uncounted,
        )
    ]
