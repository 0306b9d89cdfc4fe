"""How many species have been recorded by then; knows neither the web nor the database's tables."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field
from sqlalchemy import Connection

from api.asking.parameters import Limit, ReportParameters
from api.draw import Look, Picture, Step, Words
from api.draw import accumulation as draw_accumulation
from api.draw.words import number
from api.kinds import higher, species
from api.reports.buckets import label, labelled, start
from api.reports.report import Report, Tidy
from api.shape import Shape
from api.speech import _, counted, ngettext, one_interval
from db.filters import Scope
from db.questions.ends import Ends, ends_per_taxon
from db.questions.kinds import Kind, kinds

BETWEEN = "; "  # parts the names in one cell


class AccumulationRow(Shape):
    """How many species there were by the end of a bucket, and which came in it."""

    date: int | str
    value: int
    new: int
    names: str | None
    partial: bool


class AccumulationParameters(ReportParameters):
    """The shape of an accumulation; what is counted is always species."""

    measure: ClassVar[str] = "species"

    interval: Literal["year", "month", "week", "day"] = Field(
        "year", description="How long a bucket is; weeks are those of ISO 8601.", examples=["month"]
    )
    limit: Limit = 20
    """Names in a row."""


@dataclass(frozen=True)
class Found:
    """What the database says of each taxon: first and last bucket, first and last year, names."""

    ends: dict[int, Ends]
    years: dict[int, Ends]
    kinds: dict[int, Kind]


@dataclass(frozen=True)
class Species:
    """One species: its name, and the first bucket with a record of it, None where none is precise enough."""

    name: str
    first: int | None
    sooner: bool
    """Whether an earlier year has a record too vague for a bucket."""


def ask(connection: Connection, scope: Scope, parameters: AccumulationParameters) -> Found:
    """The ends of every taxon in the scope."""
    ends = ends_per_taxon(connection, scope, parameters.interval)
    years = ends if parameters.interval == "year" else ends_per_taxon(connection, scope, "year")
    return Found(ends, years, kinds(connection, sorted(ends), scope.as_of))


def shape(found: Found, parameters: AccumulationParameters, under_way: int | None) -> Tidy:
    """A row for each bucket in which a species was recorded for the first time, and for the last of all."""
    interval = parameters.interval
    listed, beyond = _species(found, interval)
    added: dict[int, list[str]] = defaultdict(list)
    for one in listed:
        if one.first is not None:
            added[one.first].append(one.name)
    last = max((ends.last for ends in found.ends.values() if ends.last is not None), default=None)
    rows: list[dict[str, Any]] = []
    for bucket in sorted(added.keys() | ({last} if added and last is not None else set())):
        names = sorted(added.get(bucket, ()))
        rows.append(
            {
                "date": bucket if interval == "year" else label(bucket, interval),
                "value": (rows[-1]["value"] if rows else 0) + len(names),
                "new": len(names),
                "names": BETWEEN.join(names[: parameters.limit]) or None,
                "partial": bucket == under_way,
            }
        )
    return Tidy(
        columns=("date", "value", "new", "names", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=_left_out(listed, beyond, interval),
        warnings=_warnings(listed, interval),
        facts={"limit": parameters.limit, "species": rows[-1]["value"] if rows else 0},
        said=_said(rows),
    )


def _species(found: Found, interval: str) -> tuple[list[Species], int]:
    """Every species, and how many taxa are none because they stand above one that counts."""
    above = higher(found.kinds[taxon] for taxon, ends in found.ends.items() if ends.first is not None)
    listed: list[Species] = []
    beyond = 0
    for key, taxa in species(found.kinds).items():
        if key in above:
            beyond += len(taxa)
            continue
        names = [found.kinds[taxon].name for taxon in taxa]
        first = _earliest(found.ends, taxa)
        year = _earliest(found.years, taxa)
        sooner = first is not None and year is not None and year < start(first, interval).year
        listed.append(Species(min(names, key=lambda one: (len(one), one)).replace(";", ","), first, sooner))
    return listed, beyond


def _earliest(ends: dict[int, Ends], taxa: list[int]) -> int | None:
    firsts = [ends[taxon].first for taxon in taxa if taxon in ends]
    return min((first for first in firsts if first is not None), default=None)


def _left_out(listed: list[Species], beyond: int, interval: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    vague = sum(one.first is None for one in listed)
    if vague:
        reason = _(
            "Their dates are missing or not precise enough for %(one_interval)s.",
            one_interval=one_interval(interval),
        )
        told.append({"species": vague, "reason": reason})
    if beyond:
        reason = _("A genus or family does not count beside a species of its own.")
        told.append({"taxa": beyond, "reason": reason})
    return told


def _warnings(listed: list[Species], interval: str) -> list[str]:
    sooner = sum(one.sooner for one in listed)
    if not sooner:
        return []
    return [
        ngettext(
            "%(num)s species has an earlier record that is not dated to %(one_interval)s.",
            "%(num)s species have an earlier record that is not dated to %(one_interval)s.",
            sooner,
            one_interval=one_interval(interval),
        )
    ]


def _said(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return _("No species")
    newest = next(row for row in reversed(rows) if row["new"])
    names = newest["names"].replace(BETWEEN, ", ")
    return _(
        "%(species)s by %(date)s; the newest in %(newest)s: %(names)s",
        species=counted(rows[-1]["value"], number(rows[-1]["value"]), "species"),
        date=rows[-1]["date"],
        newest=newest["date"],
        names=names,
    )


def draw(tidy: Tidy, parameters: AccumulationParameters, words: Words, look: Look) -> Picture:
    """A line of steps."""
    interval = parameters.interval
    steps = [
        Step(
            str(row["date"]),
            start(labelled(str(row["date"]), interval), interval),
            row["value"],
            row["new"],
            tuple((row["names"] or "").split(BETWEEN)) if row["names"] else (),
            row["partial"],
        )
        for row in tidy.rows
    ]
    return draw_accumulation(steps, words.measure, interval, words, look)


def heading(_parameters: AccumulationParameters) -> str:
    """Species recorded over time."""
    return _("Species recorded so far")


ACCUMULATION = Report(
    "accumulation",
    "How many species have been recorded by then?",
    AccumulationParameters, ask, shape, draw, heading, AccumulationRow,
)  # fmt: skip
