"""The rows of a table into an open run, chunk by chunk; decides nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from db.arrow import pa
from db.store import OpenRun
from ingest.formats.table import Table
from ingest.meaning.parse import Parser
from ingest.meaning.parts import Understood
from ingest.outcome import Progress


def fill(run: OpenRun, table: Table, parser: Parser, progress: Progress | None) -> Counter[str]:
    """Stage all rows of the table; returns the reasons for which rows were refused."""
    reasons: Counter[str] = Counter()
    tally = run.tally
    for chunk in table.chunks():
        parsed = parser.parse(chunk)
        ids = {
            "taxon_id": _ids(parsed.taxa, run.taxa.ids),
            "place_id": _ids(parsed.places, run.places.ids),
        }
        run.stage({**parsed.columns, **ids})
        run.reject(parsed.rejects)
        reasons.update(reject["reason"] for reject in parsed.rejects)
        for reason, number in chunk.skipped.items():
            tally.skips[reason] = tally.skips.get(reason, 0) + number
        skipped = sum(chunk.skipped.values())
        tally.skipped += skipped
        tally.read += len(chunk.rows) + len(chunk.unfit) + skipped
        tally.rejected += len(parsed.rejects)
        for issue, number in parsed.issues.items():
            tally.issues[issue] = tally.issues.get(issue, 0) + number
        if progress:
            progress(tally.read, chunk.done, table.size)
    # Nobody collects what refers to itself while rows are ingested, and a parser does.
    parser.forget()
    return reasons


def _ids(found: Understood, ask: Callable[[Iterable[Any]], Mapping[Any, int]]) -> pa.Array:
    """The id of each row's taxon or place."""
    # Of a row that is refused nothing may have been understood.
    values = [part.values[0] if part.values else None for part in found.parts]
    ids = ask(value for value in values if value is not None)
    return pa.array([ids[value] if value is not None else 0 for value in values]).take(pa.array(found.codes))
