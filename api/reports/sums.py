"""Counts summed over all that a question covers, for reports without a line per species. Knows no report."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from api.speech import _, ngettext
from db.filters import Scope
from db.questions import counts
from db.questions.counts import ALL_TAXA, Count

_NAMED = 4


@dataclass(frozen=True)
class Sums:
    """A Count of all taxa for each bucket, one of all records, and what they are of."""

    counts: list[Count]
    total: Count
    of: str


def ask_sums(connection: Connection, scope: Scope, interval: str) -> Sums:
    """The sums per bucket, in the order of time."""
    found = sorted(counts.per_bucket(connection, scope, interval, apart=False), key=lambda one: one.bucket)
    return Sums(found, total(connection, scope), summed_over(connection, scope))


def total(connection: Connection, scope: Scope) -> Count:
    """All records of the scope in one Count."""
    found = counts.totals(connection, scope, apart=False)
    return found[0] if found else Count(ALL_TAXA, 0, 0, 0, 0, 0)


def summed_over(connection: Connection, scope: Scope) -> str:
    """What the sums are of: "All species", a name, a few names together; empty where nothing goes by it."""
    if scope.taxa is None:
        return _("All species")
    if len(scope.taxa) > _NAMED:
        return ngettext("%(num)s species together", "%(num)s species together", len(scope.taxa))
    names = sorted(label.name for label in counts.labels(connection, list(scope.taxa), scope.as_of).values())
    told = ", ".join(names)
    return _("%(names)s together", names=told) if len(names) > 1 else told
