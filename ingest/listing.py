"""How people are shown where feeds stand: all of them, one, what is wrong with it; writes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.table import Table

from ingest.due import Due
from ingest.sources.source import Unreadable, find
from ingest.wording import plain_console

Shown = Mapping[str, Any]
_COUNTS = ("read", "inserted", "updated", "duplicate", "rejected", "skipped")
_UNITS = (("d", 86400), ("h", 3600), ("m", 60), ("s", 1))
_RUNS_TOLD = 10


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
    shown = table("feed", "read", "last run", "next due")
    shown.add_column("path", overflow="fold")
    for feed in feeds:
        shown.add_row(feed["name"], _schedule(feed), _last(feed), _next(feed), feed["path"])
    console.print(shown)


def tell_feed(feed: Shown, runs: Sequence[Shown], wrong: Sequence[str]) -> None:
    """All of one feed, a line each; then its runs; then what is wrong with it."""
    console = plain_console()
    told = {
        "path": feed["path"],
        "read": _schedule(feed),
        **({"silent after": feed["silent_after"]} if feed["silent_after"] else {}),
        **{key: _words(value) for key, value in feed["told"].items() if key != "feed"},
        "last run": _last(feed),
        "next due": _next(feed),
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


def told_of_rest(runs: Sequence[int]) -> str:
    """How to take back what a feed has brought, which stays when it is removed."""
    if not runs:
        return ""
    more = f" and {len(runs) - _RUNS_TOLD} earlier ones" if len(runs) > _RUNS_TOLD else ""
    named = ", ".join(map(str, runs[:_RUNS_TOLD]))
    return f" What it brought stays; take it back run by run with: manage.py undo RUN (runs {named}{more})"


def brought(runs: Sequence[Shown]) -> list[int]:
    """The runs that changed something, the newest first."""
    changed = (run for run in runs if run["status"] == "committed")
    return [run["run"] for run in changed if run["inserted"] or run["updated"]]


def table(*columns: str) -> Table:
    """A table of these columns, without lines."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for name in columns:
        table.add_column(name, no_wrap=True)
    return table


def _runs(runs: Sequence[Shown]) -> Table:
    shown = table("run", "when", "status")
    shown.add_column("input", overflow="fold")
    shown.add_column("rows")
    for run in runs:
        counts = ", ".join(f"{run[name]:,} {name}" for name in _COUNTS if run[name])
        when = run["finishedAt"][:16].replace("T", " ")
        shown.add_row(str(run["run"]), when, run["status"], run["input"].rpartition("/")[2], counts)
    return shown


def _schedule(feed: Shown) -> str:
    return f"every {feed['every']}" if feed["every"] else f"cron {feed['cron']}"


def _last(feed: Shown) -> str:
    last = feed["lastRun"]
    return f"{last['status']} {span(-_from_now(last['finishedAt']))} ago" if last else "never"


def _next(feed: Shown) -> str:
    if not feed["nextDue"]:
        return "paused"
    seconds = _from_now(feed["nextDue"])
    return f"in {span(seconds)}" if seconds > 0 else "now"


def _from_now(when: str) -> float:
    return (datetime.fromisoformat(when) - datetime.now(UTC)).total_seconds()


def span(seconds: float) -> str:
    """A duration in its largest unit, as ``every`` is written."""
    whole = max(round(seconds), 0)
    unit, length = next(((unit, length) for unit, length in _UNITS if whole >= length), ("s", 1))
    return f"{whole // length}{unit}"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{left} = {right}" for left, right in value.items())
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
