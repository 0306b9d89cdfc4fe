"""One input is one run is one transaction: opens it, understands it, stores it, and says what became of it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from db.filters import data_version
from db.lock import only_ingester
from db.store import Input, OpenRun, Tally, begin_run, record_failure
from ingest import columns, days, taxa
from ingest.formats import open_table
from ingest.formats.table import Table
from ingest.parse import Parser, Rules
from ingest.source import Source, Unreadable, sha256

Progress = Callable[[int, int, int], None]
"""Told after each chunk: rows read, bytes read, bytes in all."""
_FEW = 10
"""So few refused rows never stop a run, whatever their share: one bad row in three is no broken file."""


@dataclass(frozen=True)
class Options:
    """What the operator says of the inputs."""

    feed: str | None = None
    format: str = "auto"
    date_order: days.Order | None = None
    timezone: str | None = None
    map: Mapping[str, str] = field(default_factory=dict)
    """Their column -> our term."""
    set: Mapping[str, str] = field(default_factory=dict)
    """Term -> a value for every row."""
    dry_run: bool = False
    strict: bool = False
    """One refused row is enough to refuse the input."""
    max_error_rate: float = 0.2
    made_up: bool = False


@dataclass
class Outcome:
    """What became of one input."""

    input: str
    feed: str = ""
    format: str = ""
    status: str = "failed"
    run: int | None = None
    tally: Tally = field(default_factory=Tally)
    reasons: dict[str, int] = field(default_factory=dict)
    """Reason code -> refused rows."""
    data_version: int = 0
    terms: dict[str, str] = field(default_factory=dict)
    extra: tuple[str, ...] = ()
    """Columns that were kept without being understood."""
    notes: tuple[str, ...] = ()
    message: str = ""
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The shape that ``ingest --json`` promises."""
        tally = vars(self.tally)
        counts = {name: tally[name] for name in ("read", "inserted", "updated", "duplicate", "rejected", "skipped")}
        return {
            "run": self.run,
            "feed": self.feed,
            "input": self.input,
            "format": self.format,
            "status": self.status,
            **counts,
            "reasons": self.reasons,
            "issues": self.tally.issues,
            "dataVersion": self.data_version,
            "columns": self.terms,
            "extra": list(self.extra),
            "message": self.message,
            "seconds": round(self.seconds, 3),
        }


class _Refused(Exception):
    """The input as a whole is refused; nothing of it is kept."""


class _DryRun(Exception):
    """The transaction has told what it would do, and is rolled back."""


def ingest(
    writer: Engine, sources: Iterable[Source], options: Options, progress: Progress | None = None
) -> list[Outcome]:
    """Ingest inputs one after the other, each in a transaction of its own. Raises db.lock.Locked at once if another runs."""
    with only_ingester(writer):
        return [_one(writer, source, options, progress) for source in sources]


def _one(writer: Engine, source: Source, options: Options, progress: Progress | None) -> Outcome:
    outcome = Outcome(source.name, feed=options.feed or "")
    started = monotonic()
    what = Input(source.name, options.feed or "unknown", options.format, made_up=options.made_up)
    try:
        digest = sha256(source)
        kind, table = open_table(source, options.format)
        rules = _rules(source, table, options)
        outcome.feed, outcome.format = options.feed or table.feed or signature(table.columns), kind.name
        outcome.terms = dict(rules.terms)
        outcome.extra = tuple(name for name in table.columns if name not in rules.terms)
        outcome.notes = table.notes
        what = Input(
            source.name, outcome.feed, kind.name, digest, options.made_up, table.columns, dict(rules.terms)
        )
        _transact(writer, what, table, rules, options, outcome, progress)
    except (Unreadable, columns.UnknownTerm, _Refused) as error:
        outcome.status, outcome.message = "failed", str(error)
        outcome.tally.inserted = outcome.tally.updated = outcome.tally.duplicate = 0
        outcome.tally.first_day = outcome.tally.last_day = None
        if not options.dry_run:
            outcome.run = record_failure(writer, what, str(error), outcome.tally)
    with writer.connect() as connection:
        outcome.data_version = data_version(connection)
    outcome.seconds = monotonic() - started
    return outcome


def _transact(
    writer: Engine,
    what: Input,
    table: Table,
    rules: Rules,
    options: Options,
    outcome: Outcome,
    progress: Progress | None,
) -> None:
    try:
        with writer.begin() as connection, begin_run(connection, what) as run:
            outcome.tally = run.tally
            reasons = _fill(run, table, Parser(rules), progress)
            outcome.reasons = dict(reasons.most_common())
            _judge(run.tally, reasons, options)
            outcome.status = run.finish("; ".join(outcome.notes))
            outcome.run = run.run_id
            if options.dry_run:
                raise _DryRun
    except _DryRun:
        outcome.run = None


def _fill(run: OpenRun, table: Table, parser: Parser, progress: Progress | None) -> Counter[str]:
    """Stage all rows of the table; returns the reasons for which rows were refused."""
    reasons: Counter[str] = Counter()
    tally = run.tally
    for chunk in table.chunks():
        parsed = parser.parse(chunk)
        taxon_ids = run.taxa.ids(parsed.taxa)
        place_ids = run.places.ids(parsed.places)
        run.stage(
            [
                (*row[:4], taxon_ids[taxon], place_ids[place], *row[6:])
                for row, taxon, place in zip(parsed.rows, parsed.taxa, parsed.places, strict=True)
            ]
        )
        run.reject(parsed.rejects)
        reasons.update(reject["reason"] for reject in parsed.rejects)
        tally.read += len(chunk.rows)
        tally.rejected += len(parsed.rejects)
        for issue, number in parsed.issues.items():
            tally.issues[issue] = tally.issues.get(issue, 0) + number
        if progress:
            progress(tally.read, chunk.done, table.size)
    return reasons


def _judge(tally: Tally, reasons: Counter[str], options: Options) -> None:
    """Refuse an input that is broken as a whole. Raises _Refused."""
    told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.most_common())
    if tally.read == tally.rejected:
        raise _Refused(f"Not one of its {tally.read:,} rows could be understood ({told or 'there are none'}).")
    if options.strict and tally.rejected:
        raise _Refused(f"{tally.rejected:,} of {tally.read:,} rows were refused and --strict allows none ({told}).")
    if tally.rejected > max(_FEW, options.max_error_rate * tally.read):
        raise _Refused(
            f"{tally.rejected:,} of {tally.read:,} rows were refused, more than --max-error-rate {options.max_error_rate:g}"
            f" allows ({told})."
        )


def _rules(source: Source, table: Table, options: Options) -> Rules:
    """How this table is to be understood. Raises Unreadable where it lacks a date or a name, or its dates cannot be told."""
    constants = {columns.known_term(name): value for name, value in options.set.items()}
    terms = columns.understand(table.columns, {**table.told, **options.map})
    terms = {column: term for column, term in terms.items() if term not in constants}
    held = set(terms.values()) | set(constants)
    for needed, what in ((columns.NEEDS_DATE, "a date"), (columns.NEEDS_NAME, "a species")):
        if held.isdisjoint(needed):
            raise Unreadable(
                f"{source.name} has no column for {what}: its columns are {', '.join(table.columns[:20])};"
                f" name one with --map COLUMN={needed[0]}."
            )
    zone = ZoneInfo(options.timezone) if options.timezone else None
    order = options.date_order or _order(source, table, terms)
    return Rules(
        table.columns, terms, order, zone, _latin(table, terms), delimiter=table.delimiter, constants=constants
    )


def _order(source: Source, table: Table, terms: Mapping[str, str]) -> days.Order | None:
    at = {term: table.columns.index(column) for column, term in terms.items()}
    if "eventDate" not in at:
        return None
    places = [at.get(term) for term in ("eventDate", "day", "month")]
    rows = chain.from_iterable(chunk.rows for chunk in table.chunks())

    def cell(row: list[str], place: int | None) -> str:
        return row[place] if place is not None and place < len(row) else ""

    head = list(islice(rows, 1_000))
    found = days.order_of((cell(row, places[0]), cell(row, places[1]), cell(row, places[2])) for row in head)
    if found == "undecided":
        found = days.order_of((cell(row, places[0]), cell(row, places[1]), cell(row, places[2])) for row in rows)
    if found == "undecided":
        example = next(cell(row, places[0]) for row in head if cell(row, places[0]))
        raise Unreadable(
            f"{source.name} has dates like {example!r} and nothing in it tells the day from the month:"
            " say --date-order DMY or MDY."
        )
    return found


def _latin(table: Table, terms: Mapping[str, str]) -> bool:
    column = next((name for name, term in terms.items() if term == "species"), None)
    if column is None or "scientificName" in terms.values():
        return True
    place = table.columns.index(column)
    first = next(table.chunks(), None)
    return first is not None and taxa.looks_latin(row[place] for row in first.rows[:2_000] if place < len(row))


def signature(names: Iterable[str]) -> str:
    """The feed of a table that belongs to no global source: the same columns are the same feed, whatever the file's name."""
    text = "\n".join(sorted(columns.plain(name) for name in names))
    return f"table-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
