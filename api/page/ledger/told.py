"""A run of the ledger in words and numbers for people. Knows no HTTP and no template."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from api.answering import places
from api.page.speech import _, later
from api.page.words import amount, moment
from api.site import site

NAMES = {
    "committed": "",
    "unchanged": later("unchanged"),
    "failed": later("failed"),
    "needs_approval": later("needs approval"),
    "abandoned": later("abandoned"),
    "undone": later("undone"),
}
"""What each state of a run is called; most went in, and nothing is said of that."""
STATES = {
    "committed": later("What it brought is in the records."),
    "unchanged": later("It brought nothing that was not there already."),
    "failed": later("Nothing of it was kept."),
    "needs_approval": later("Nothing of it was kept: somebody has to look at it first."),
    "abandoned": later("Whoever read it died. Nothing of it was kept; it can be ingested again."),
    "undone": later("It was taken back."),
}
"""What it means."""


@dataclass(frozen=True)
class Line:
    """A run as a list of them shows it."""

    run: int
    input: str
    feed: str
    state: str
    """In the word of the ledger."""
    named: str
    """The same for people; empty where it went in, as most do."""
    ended_at: str
    ended: str
    inserted: str
    """Also what an undo brought back."""
    updated: str
    duplicate: str
    rejected: str
    removed: str
    message: str


def line(run: Mapping[str, Any]) -> Line:
    """A run in a few words; a number that is 0 is left out."""
    return Line(
        run=run["run"],
        input=_input(run),
        feed=run["feed"] or "",
        state=run["status"],
        named=_(NAMES[run["status"]]) if run["status"] != "committed" else "",
        ended_at=run["finishedAt"],
        ended=moment(run["finishedAt"], site().zone),
        inserted=_some(run["inserted"] + run["restored"]),
        updated=_some(run["updated"]),
        duplicate=_some(run["duplicate"]),
        rejected=_some(run["rejected"]),
        removed=_some(run["removed"]),
        message=message(run),
    )


def _some(number: int) -> str:
    return amount(number) if number else ""


def _input(run: Mapping[str, Any]) -> str:
    """Its name; of what has none, what it did."""
    if run["undoes"]:
        return _("Run %(number)s taken back", number=run["undoes"])
    if run["format"] == "removal":
        return _("Everything of the feed taken back")
    return places.base_name(run["input"])


def message(run: Mapping[str, Any]) -> str:
    """What the ledger says of it, without what is said already."""
    return "" if run["undoes"] else places.message(run)


def lasted(run: Mapping[str, Any]) -> str:
    """How long it took, as the ledger knows it, which is to the second."""
    begun, ended = (datetime.fromisoformat(run[name]) for name in ("startedAt", "finishedAt"))
    seconds = max(int((ended - begun).total_seconds()), 0)
    if not seconds:
        return _("less than a second")
    return f"{seconds} s" if seconds < 60 else f"{amount(seconds // 60)} min {seconds % 60} s"
