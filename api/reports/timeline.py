"""Counts per interval, a line for each species; knows neither the web nor the database's tables."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from sqlalchemy import Connection

from api.asking.parameters import Interval, Limit, Measure, ReportParameters
from api.asking.query import BadParameter
from api.draw import Line, Look, Picture, Point, Words
from api.draw import timeline as draw_timeline
from api.reports.buckets import after, label, labelled, start
from api.reports.report import Report, Tidy, counted_as_one, leading, measured, too_vague, value
from api.shape import Shape
from api.speech import _, buckets, first_unit, ngettext, per, readers_language
from db.filters import Scope
from db.questions import counts
from db.questions.counts import Count, TaxonLabel

MOST_ROWS = 100_000


class TimelineParameters(ReportParameters):
    """The shape of a timeline."""

    interval: Interval = "year"
    measure: Measure = "individuals"
    limit: Limit = 8

    @property
    def lines(self) -> int:
        """How many lines at most: who asks for more species by name than the limit gets all of them."""
        named = self.scientific_name + self.vernacular_name + self.species
        return max(self.limit, len(named) + len(self.taxon_key))


class TimelineRow(Shape):
    """How many of one species in one bucket."""

    date: int | str
    name: str
    scientific_name: str | None
    vernacular_name: str | None
    value: int | float
    partial: bool


@dataclass(frozen=True)
class Found:
    """What the database says: totals, counts per bucket, names, and the taxa asked for by name."""

    totals: list[Count]
    counts: list[Count]
    labels: dict[int, TaxonLabel]
    named: tuple[int, ...]


def ask(connection: Connection, scope: Scope, parameters: TimelineParameters) -> Found:
    """Counts per bucket of every taxon in the scope: those without a line still tell that somebody looked."""
    named = scope.taxa or ()
    named = named if len(named) <= parameters.lines else ()
    per_bucket = counts.per_bucket(connection, scope, parameters.interval)
    taxa = sorted({count.taxon_id for count in per_bucket} | set(named))
    labels = counts.labels(connection, taxa, scope.as_of, readers_language())
    return Found(counts.totals(connection, scope), per_bucket, labels, named)


def shape(found: Found, parameters: TimelineParameters, under_way: int | None) -> Tidy:
    """A row for each line and each bucket with any record in it; 0 is "looked, saw none of these".

    A bucket without any record, even of an absence, has no row: nobody can tell whether anyone looked.
    """
    interval, measure = parameters.interval, parameters.measure
    ranked = leading(found.counts, measure, found.labels)
    ranked += sorted(taxon for taxon in found.named if taxon in found.labels and taxon not in ranked)
    shown = ranked[: parameters.lines]
    seen = sorted({count.bucket for count in found.counts})
    if len(shown) * len(seen) > MOST_ROWS:
        raise BadParameter(
            _(
                "A line for each of %(species)s species over %(buckets)s is more than one answer holds: ask"
                " for a longer interval, fewer species or less time.",
                species=len(shown),
                buckets=buckets(len(seen), interval),
            ),
            "interval",
        )
    amounts = {(count.taxon_id, count.bucket): measured(count, measure) for count in found.counts}
    rows = [
        {
            "date": bucket if interval == "year" else label(bucket, interval),
            "name": found.labels[taxon].name,
            "scientificName": found.labels[taxon].scientific_name,
            "vernacularName": found.labels[taxon].vernacular_name,
            "value": value(amounts.get((taxon, bucket), 0)),
            "partial": bucket == under_way,
        }
        for taxon in shown
        for bucket in seen
    ]
    return Tidy(
        columns=("date", "name", "scientificName", "vernacularName", "value", "partial"),
        rows=rows,
        partial=any(row["partial"] for row in rows),
        left_out=_left_out(found, parameters, set(shown)),
        warnings=counted_as_one(found.counts, measure),
        facts={"limit": parameters.limit, "species": len(ranked)},
    )


def _left_out(found: Found, parameters: TimelineParameters, shown: set[int]) -> list[dict[str, Any]]:
    measure = parameters.measure
    told = too_vague(found.totals, found.counts, measure, parameters.interval)
    others = (measured(count, measure) for count in found.counts if count.taxon_id not in shown)
    beyond = value(sum(others))
    if beyond > 0:
        told.append({measure: beyond, "reason": _only(len(shown))})
    return told


def _only(lines: int) -> str:
    return ngettext(
        "Only the %(num)s leading species have a line.",
        "Only the %(num)s leading species have a line.",
        lines,
    )


def draw(tidy: Tidy, parameters: TimelineParameters, words: Words, look: Look) -> Picture:
    """A line for each species, broken where a bucket is missing."""
    lines = [Line(str(name), tuple(points(list(rows), parameters.interval)))
             for name, rows in groupby(tidy.rows, key=lambda row: row["name"])]  # fmt: skip
    return draw_timeline(lines, parameters.interval, words, look)


def points(rows: list[dict[str, Any]], interval: str) -> list[Point]:
    """The points of one line; where buckets have no row between two that have one, a gap."""
    found: list[Point] = []
    due = None
    for row in rows:
        bucket = labelled(str(row["date"]), interval)
        if due is not None and bucket != due:
            found.append(Point(label(due, interval), start(due, interval), None))
        found.append(Point(str(row["date"]), start(bucket, interval), row["value"], row["partial"]))
        due = after(bucket, interval)
    return found


def heading(parameters: TimelineParameters) -> str:
    """Records per month, and the like."""
    return _(
        "%(records)s %(per_interval)s",
        records=first_unit(parameters.measure),
        per_interval=per(parameters.interval),
    )


TIMELINE = Report(
    "timeline",
    "How many of each species were recorded in each year, month, week, day or hour?",
    TimelineParameters, ask, shape, draw, heading, TimelineRow,
)  # fmt: skip
