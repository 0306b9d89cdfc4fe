"""How all of it stands, for people on call: data, feeds, database, who ingests; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.filesize import decimal
from sqlalchemy import Connection

from db.filters import Filters, scope
from db.lock import holder
from db.questions.counts import totals
from db.questions.ledger import Age, ages, last_runs
from db.questions.summary import freshness
from db.sizes import sizes
from ingest.due import Due
from ingest.listing import span, table
from ingest.wording import plain_console

Shown = Mapping[str, Any]


def state(connection: Connection, dues: Sequence[Due]) -> dict[str, Any]:
    """Data version, records, the last run of each feed and how old it is, the database, and who ingests."""
    everything = scope(connection, Filters())
    fresh, size, last = freshness(connection, everything), sizes(connection), last_runs(connection)
    return {
        "dataVersion": fresh.version,
        "dataAsOf": fresh.data_as_of,
        "ingestedAt": fresh.ingested_at,
        "records": sum(one.records for one in totals(connection, everything)),
        "feeds": _feeds(last, ages(connection, datetime.now(UTC)), {due.name: due for due in dues}),
        "neverRun": sorted({due.name for due in dues} - last.keys()),
        "database": {"kind": connection.dialect.name, "bytes": size.database, "logBytes": size.log},
        "ingester": holder(connection),
    }


def _feeds(last: Mapping[str, Shown], old: Mapping[str, Age], dues: Mapping[str, Due]) -> dict[str, Any]:
    """The last run of each; when it is due is known of those in the settings only."""
    now, found = datetime.now(UTC), {}
    for name, run in last.items():
        due = dues.get(name)
        planned = due.first(now, run) if due and not due.paused else None
        found[name] = {
            **run,
            "age": round(old[name].run),
            "successAge": None if (age := old[name].success) is None else round(age),
            "nextDue": planned.strftime("%Y-%m-%dT%H:%M:%SZ") if planned else None,
            "overdue": due.is_overdue(now, run) if due else None,
        }
    return found


def tell_state(found: Shown) -> None:
    """The same as a few lines and a table; ``cache`` and ``server`` may have been added."""
    console = plain_console()
    lines = dict(_lines(found))
    width = max(map(len, lines))
    for name, told in lines.items():
        console.print(f"{name:<{width}}  {told}")
    shown = table("feed", "last run", "succeeded", "next due")
    for name, one in found["feeds"].items():
        shown.add_row(
            name, f"run {one['run']} {one['status']} {_ago(one['age'])}", _succeeded(one), _due(one)
        )
    for name in found["neverRun"]:
        shown.add_row(name, "never", "", "now")
    if shown.rows:
        console.print(shown)
    for name, one in found["feeds"].items():
        if one["message"]:
            console.print(f"{name}: {one['message']}")


def _lines(found: Shown) -> Iterator[tuple[str, str]]:
    ends = f"data to {found['dataAsOf']}, ingested {found['ingestedAt']}"
    yield "version", f"{found['dataVersion']}, {found['records']:,} records, {ends}"
    database, who = found["database"], found["ingester"]
    log = "" if database["logBytes"] is None else f", log {decimal(database['logBytes'])}"
    yield "database", f"{database['kind']}, {decimal(database['bytes'])}{log}"
    if "cache" in found:
        yield "cache", _cache(found["cache"], found["server"])
        yield "server", _server(found["server"])
    told = "nobody" if who is None else "process {pid} on {host}, since {since}".format_map(who)
    yield "ingester", told


def _cache(cache: Shown, server: Shown) -> str:
    entries, size = server.get("cacheEntries", 0), server.get("cacheBytes", 0)
    told = cache["kind"]
    if cache["kind"] == "files":
        told += f", {cache['entries']:,} answers, {decimal(cache['bytes'])} of {decimal(cache['mostBytes'])}"
    elif cache["kind"] == "redis" and server.get("requests") is not None:
        told += f", {entries:,} entries, {decimal(size)}"
    resting = ", fails and is left alone for a while" if server.get("cacheResting") else ""
    failures = f", failed {server['cacheFailures']:,} times" if server.get("cacheFailures") else ""
    return f"{told}{failures}{resting}"


def _server(server: Shown) -> str:
    if not server["answers"]:
        return f"nobody answers at {server['address']}"
    counted = ", ".join(f"{outcome} {number:,}" for outcome, number in server.get("requests", {}).items())
    return f"answers at {server['address']}" + (f"; {counted}" if counted else "")


def _ago(seconds: float) -> str:
    return f"{span(seconds)} ago"


def _succeeded(one: Shown) -> str:
    return "never" if one["successAge"] is None else _ago(one["successAge"])


def _due(one: Shown) -> str:
    if one["overdue"]:
        return "OVERDUE"
    if one["nextDue"] is None:
        return "" if one["overdue"] is None else "paused"
    seconds = (datetime.fromisoformat(one["nextDue"]) - datetime.now(UTC)).total_seconds()
    return f"in {span(seconds)}" if seconds > 0 else "now"
