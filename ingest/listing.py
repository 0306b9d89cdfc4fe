"""How people are shown their feeds: a table of all, the whole of one, what is wrong; changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from ingest.due import Due
from ingest.source import Unreadable, find
from ingest.wording import plain_console

Shown = Mapping[str, Any]
_COUNTS = ("read", "inserted", "updated", "duplicate", "rejected")


def standing(shown: Shown, due: Due, last: Shown | None) -> dict[str, Any]:
    """What is told of a feed, with its last run and when it is due."""
    first = due.first(datetime.now(UTC), last)
    return {**shown, "lastRun": last, "nextDue": None if due.paused else first.strftime("%Y-%m-%dT%H:%M:%SZ")}


def tell_feeds(feeds: Sequence[Shown]) -> None:
    """A line for each: where and when it is read, its last run, and when it is due."""
    console = plain_console()
    if not feeds:
        console.print("There are no feeds; add one with: manage.py feeds add NAME PATH --every 10m")
        return
    table = Table(
        "feed", "path", "read", "last run", "next due", box=None, header_style="dim", pad_edge=False
    )
    for feed in feeds:
        table.add_row(feed["name"], feed["path"], _schedule(feed), _last(feed), feed["nextDue"] or "paused")
    console.print(table)


def tell_feed(feed: Shown, runs: Sequence[Shown], wrong: Sequence[str]) -> None:
    """All of one feed, a line each; then its runs; then what is wrong with it."""
    console = plain_console()
    told = {
        "path": feed["path"],
        "read": _schedule(feed),
        **{key: _words(value) for key, value in feed["told"].items() if key != "feed"},
        "next due": feed["nextDue"] or "paused",
    }
    width = max(map(len, told))
    console.print(feed["name"])
    for key, value in told.items():
        console.print(f"  {key:<{width}}  {value}")
    if runs:
        console.print(_runs(runs))
    console.print("\n".join(f"Problem: {problem}" for problem in wrong) or "Nothing is wrong.")


def problems(path: str, runs: Sequence[Shown], reasons: Mapping[str, int]) -> list[str]:
    """What a person should look at: nothing at the path, a last run that failed, rows that it refused.

    ``runs`` begin with the newest; ``reasons`` are why that one refused rows.
    """
    found = []
    if not path.startswith(("http://", "https://")):
        try:
            find([path])
        except Unreadable as error:
            found.append(str(error))
    last = runs[0] if runs else None
    if last and last["status"] not in ("committed", "unchanged") and last["message"] not in found:
        found.append(f"Run {last['run']} {last['status']}: {last['message']}")
    if last and reasons:
        told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
        found.append(f"Run {last['run']} refused {told}; see them with: manage.py rejects {last['run']}")
    return found


def brought(runs: Sequence[Shown]) -> list[int]:
    """The runs that changed something, the newest first."""
    changed = (run for run in runs if run["status"] == "committed")
    return [run["run"] for run in changed if run["inserted"] or run["updated"]]


def _runs(runs: Sequence[Shown]) -> Table:
    table = Table("run", "when", "status", "input", box=None, header_style="dim", pad_edge=False)
    for name in _COUNTS:
        table.add_column(name, justify="right")
    for run in runs:
        told = (str(run["run"]), run["finishedAt"], run["status"], run["input"].rpartition("/")[2])
        table.add_row(*told, *(f"{run[name]:,}" for name in _COUNTS))
    return table


def _schedule(feed: Shown) -> str:
    return f"every {feed['every']}" if feed["every"] else f"cron {feed['cron']}"


def _last(feed: Shown) -> str:
    last = feed["lastRun"]
    return f"{last['status']} {last['finishedAt']}" if last else "never"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{left} = {right}" for left, right in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
