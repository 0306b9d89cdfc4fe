"""What the ledger says, in lines for a terminal; knows no database and no terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_COUNTS = ("read", "inserted", "updated", "duplicate", "rejected", "skipped", "removed", "restored")
_NAMES_SHOWN = 40


def listed(run: Mapping[str, Any]) -> Iterator[str]:
    """A run in a list of them: one line, and one for its message."""
    what = f"{run['status']:<14} {run['feed'] or '-'}  {run['input']}"
    yield f"{run['run']:>5}  {run['finishedAt']}  {what}  {counts(run)}".rstrip()
    if run["message"]:
        yield f"       {run['message']}"


def counts(run: Mapping[str, Any]) -> str:
    """What was counted, without what was not."""
    return ", ".join(f"{run[name]:,} {name}" for name in _COUNTS if run[name])


def whole(run: Mapping[str, Any]) -> Iterator[str]:
    """All of one run, a line for each thing that it has."""
    yield f"run {run['run']}: {run['status']}"
    known = (
        ("input", run["input"]),
        ("bytes", f"{run['bytes']:,}" if run["bytes"] is not None else ""),
        ("sha256", run["sha256"]),
        ("feed", run["feed"]),
        ("format", run["format"]),
        ("started", run["startedAt"]),
        ("finished", run["finishedAt"]),
        ("counts", counts(run)),
        ("refused", _numbers(run["reasons"])),
        ("skipped", _numbers(run["skips"])),
        ("flagged", _numbers(run["issues"])),
        ("days", run["days"]),
        ("understood", ", ".join(f"{theirs} = {ours}" for theirs, ours in run["terms"].items())),
        ("extra", _extra(run)),
        ("told", _pairs(run["options"].get("said", {}))),
        ("found out", _pairs(run["options"].get("found", {}))),
        ("made from", ", ".join(part["name"] for part in run["options"].get("parts", ()))),
        ("message", run["message"]),
        ("undoes", _run(run["undoes"])),
        ("undone by", _run(run["undoneBy"])),
        ("replays", _run(run["replays"])),
        ("same bytes as", _run(run["repeats"])),
    )
    yield from (f"  {name:<14} {value}" for name, value in known if value)


def _numbers(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counted.items())


def _pairs(options: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', '-')} {_option(value)}" for name, value in options.items())


def _option(value: Any) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{left}={right}" for left, right in value.items())
    return repr(value) if value in ("\t", " ") else str(value)


def _extra(run: Mapping[str, Any]) -> str:
    names = [name for name in run["columns"] if name not in run["terms"]]
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more


def _run(number: int | None) -> str:
    return f"run {number}" if number else ""


def reject(row: Mapping[str, Any]) -> Iterator[str]:
    """A refused row: where it stood, why it was refused, and itself."""
    yield f"line {row['line']}: {row['reason']}: {row['detail']}"
    yield f"    {row['raw']}"


def undone(done: Mapping[str, Any]) -> Iterator[str]:
    """What an undo did, or would do."""
    what = f"records taken out {done['removed']:,}, brought back as they were before {done['restored']:,}"
    if done["run"] is None:
        yield f"run {done['undoes']} ({done['input']}) would be taken back: {what}"
        yield "A dry run: nothing was changed."
    else:
        yield f"run {done['undoes']} ({done['input']}) was taken back by run {done['run']}: {what}"
        yield f"version {done['dataVersion']}, feed {done['feed']}"
        yield "Where its input is read again, its rows come again: mend it there, or pause its feed."
    if done["metBy"]:
        runs = ", ".join(map(str, done["metBy"]))
        yield f"Later runs ({runs}) met records that were there: read their inputs again for what they hold."


def revisions(found: list[dict[str, Any]]) -> Iterator[str]:
    """Every revision of one record, with where it came from and its row as it stood there."""
    first = found[0]["record"]
    yield f"{first['occurrenceID']} in the feed {first['feed']}: {len(found)} revision" + "s" * (
        len(found) > 1
    )
    for number, one in enumerate(found, 1):
        yield f"revision {number}, key {one['record']['key']}: {_when(one)}"
        yield f"  run {one['run']}, {one['input']}, line {one['line']}"
        yield from (f"    {name}: {text}" for name, text in one["verbatim"].items() if text)


def _when(one: Mapping[str, Any]) -> str:
    came = f"added by run {one['addedRun']} at {one['addedAt']}"
    if one["retiredRun"] is None:
        return f"{came}, current"
    return f"{came}, retired by run {one['retiredRun']} at {one['retiredAt']}"
