"""How much is recorded, of how many species and between which dates; knows neither the web nor the tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from api.asking.parameters import ReportParameters
from api.draw import Fact, Look, Picture, Words, numbers
from api.draw.words import canonical, exactly
from api.reports.report import Report, Tidy, counted_as_one, value
from api.shape import Shape
from api.speech import _, counted, first_unit
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count
from db.questions.summary import ends, sources, undated

_SHOWN = ("records", "individuals", "species", "feeds")
"""What the picture shows of the row."""


class SummaryParameters(ReportParameters):
    """A summary has no shape of its own."""


class SummaryRow(Shape):
    """All of it in numbers; a date that is a bare year is a number."""

    records: int
    individuals: int | float
    species: int
    first_date: int | str | None
    last_date: int | str | None
    uncounted: int
    absences: int
    undated: int
    feeds: int


@dataclass(frozen=True)
class Found:
    """What the database says."""

    totals: list[Count]
    first: str | None
    last: str | None
    undated: int
    feeds: int


def ask(connection: Connection, scope: Scope, _parameters: SummaryParameters) -> Found:
    """Totals, the ends, and what has no date at all."""
    first, last = ends(connection, scope)
    totals = counts.totals(connection, scope)
    return Found(totals, first, last, undated(connection, scope), len(sources(connection, scope)))


def shape(found: Found, _parameters: SummaryParameters, _under_way: int | None) -> Tidy:
    """The one row."""
    row: dict[str, Any] = {
        "records": sum(count.records for count in found.totals),
        "individuals": value(sum(count.individuals for count in found.totals)),
        "species": sum(count.records > 0 for count in found.totals),
        "firstDate": _date(found.first),
        "lastDate": _date(found.last),
        "uncounted": sum(count.uncounted for count in found.totals),
        "absences": sum(count.absences for count in found.totals),
        "undated": found.undated,
        "feeds": found.feeds,
    }
    return Tidy(
        columns=tuple(row),
        rows=[row],
        warnings=counted_as_one(found.totals, "individuals"),
        said=_said(row),
    )


def _said(row: dict[str, Any]) -> str:
    told = ", ".join(counted(row[name], exactly(row[name]), name) for name in _SHOWN)
    if not row["firstDate"]:
        return told
    return _("%(told)s, from %(first)s to %(last)s", told=told, first=row["firstDate"], last=row["lastDate"])


def _date(written: str | None) -> str | int | None:
    """A bare year is a number, as it is in a timeline: every reader of CSV makes it one."""
    return int(written) if written and written.isdecimal() else written


def draw(tidy: Tidy, _parameters: SummaryParameters, words: Words, look: Look) -> Picture:
    """The four numbers that matter, in large type."""
    row = tidy.rows[0]
    days = ""
    if row["firstDate"]:
        days = _("%(first)s to %(last)s", first=row["firstDate"], last=row["lastDate"])
    facts = [
        Fact(first_unit(name), exactly(row[name]), days if name == "records" else "", canonical(row[name]))
        for name in _SHOWN
    ]
    return numbers(facts, words, look)


def heading(_parameters: SummaryParameters) -> str:
    """What is recorded."""
    return _("What is recorded")


SUMMARY = Report(
    "summary",
    "How many records, individuals and species are there, and between which dates?",
    SummaryParameters, ask, shape, draw, heading, SummaryRow,
)  # fmt: skip
