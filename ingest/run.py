"""One input is one run is one transaction: opens it, understands it, stores it, says what became of it."""

from __future__ import annotations

import gc
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine

from db.appends import last_reading
from db.arrow import pa
from db.engine import LOOK
from db.filters import data_version
from db.lock import only_ingester
from db.names import MixedFeed
from db.store import Input, OpenRun, Tally, begin_run, record_failure
from ingest import columns, days, taxa
from ingest.formats import inputs, open_table
from ingest.formats.table import Table, Wanted
from ingest.growth import Earlier, tail
from ingest.parse import Parser, Rules
from ingest.parts import Understood
from ingest.source import DAMAGE, Source, Unreadable, keeping_copies, sha256
from ingest.unfinished import without_open_line

Progress = Callable[[int, int, int], None]
"""Told after each chunk: rows read, bytes read, bytes in all."""
log = logging.getLogger("sightings.ingest")
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
    accept_new_ids: bool = False
    """Go on where most identifiers of a known feed are new."""
    sheet: str | None = None
    min_confidence: float = 0.0
    made_up: bool = False

    def said(self) -> dict[str, Any]:
        """What bears on how rows are understood, where it is not left to be found out; for the ledger."""
        names = ("feed", "format", "date_order", "timezone", "map", "set", "sheet", "min_confidence")
        given = {name: getattr(self, name) for name in names}
        given = {name: dict(value) if isinstance(value, Mapping) else value for name, value in given.items()}
        return {name: value for name, value in given.items() if value and value != "auto"}


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
        names = ("read", "inserted", "updated", "duplicate", "rejected", "skipped")
        counts = {name: getattr(self.tally, name) for name in names}
        return {
            "run": self.run,
            "feed": self.feed,
            "input": self.input,
            "format": self.format,
            "status": self.status,
            **counts,
            "issues": self.tally.issues,
            "dataVersion": self.data_version,
            "reasons": self.reasons,
            "skips": self.tally.skips,
            "columns": self.terms,
            "extra": list(self.extra),
            "message": self.message,
            "seconds": round(self.seconds, 3),
        }


class _Refused(Exception):
    """The input as a whole is refused; nothing of it is kept."""


_Begin = Callable[[], AbstractContextManager[Connection]]
"""Begins the transaction of one input, which ends with the block."""


def ingest(
    writer: Engine, sources: Iterable[Source], options: Options, progress: Progress | None = None
) -> list[Outcome]:
    """Ingest inputs one after the other, each in a transaction of its own; one that fails stops no other.

    Raises db.lock.Locked at once if another ingester runs.
    """
    with only_ingester(writer), _no_garbage_collection():
        if not options.dry_run:
            return [_one(writer.begin, one, options, progress) for one in _apart(sources, options)]
        with _rehearsal(writer) as begin:
            outcomes = [_one(begin, one, options, progress) for one in _apart(sources, options)]
        with writer.connect().execution_options(**LOOK) as connection:
            version = data_version(connection)
        return [replace(outcome, run=None, data_version=version) for outcome in outcomes]


def _apart(sources: Iterable[Source], options: Options) -> Iterator[Source]:
    return (without_open_line(one) for source in sources for one in inputs(source, options.format))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Rows make no circles; to look for some again and again costs a fifth of an ingest."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _rehearsal(writer: Engine) -> Iterator[_Begin]:
    """Transactions nested in one that is rolled back: each input meets what those before it would bring."""
    with writer.connect() as connection:
        connection.begin()

        @contextmanager
        def begin() -> Iterator[Connection]:
            with connection.begin_nested():
                yield connection

        yield begin
        connection.rollback()


@keeping_copies()
def _one(begin: _Begin, source: Source, options: Options, progress: Progress | None) -> Outcome:
    outcome = Outcome(source.name, feed=options.feed or "")
    started = monotonic()
    what = Input(source.name, options.feed or "", options.format, made_up=options.made_up, bytes=source.size)
    what = replace(what, options={"said": options.said()})
    try:
        appended = _appended(begin, what, source, options, progress)
        if appended is None:
            what, table, rules = _understood(source, what, options, outcome)
            with begin() as connection, begin_run(connection, what) as run:
                _store(run, table, rules, options, outcome, progress)
        outcome = appended or outcome
    except Exception as error:  # noqa: BLE001 - whatever it is: the ledger tells it, and the other inputs go on
        _fail(begin, what, outcome, _sentence(source.name, error))
    outcome.seconds = monotonic() - started
    return outcome


def _wanted(options: Options) -> Wanted:
    given = frozenset(map(columns.known_term, (*options.set, *options.map.values())))
    return Wanted(options.sheet, options.min_confidence, given)


def _understood(
    source: Source, what: Input, options: Options, outcome: Outcome
) -> tuple[Input, Table, Rules]:
    """Open an input and settle how it is to be read; what was found out is for the ledger, too."""
    kind, table = open_table(source, options.format, _wanted(options))
    what = replace(what, feed=what.feed or table.feed or signature(table.columns), format=kind.name)
    what = replace(what, sha256=sha256(source), columns=table.columns)
    outcome.feed, outcome.format, outcome.notes = what.feed, what.format, table.notes
    rules = _rules(source, table, options)
    found = {"delimiter": rules.delimiter, "date_order": rules.order, "latin": rules.latin}
    return replace(what, terms=rules.terms, options={**what.options, "found": found}), table, rules


def _store(
    run: OpenRun,
    table: Table,
    rules: Rules,
    options: Options,
    outcome: Outcome,
    progress: Progress | None,
) -> None:
    """Read the rows of a table into an open run. Raises _Refused where it is broken as a whole."""
    outcome.terms = dict(rules.terms)
    outcome.extra = tuple(name for name in table.columns if name not in rules.terms)
    outcome.tally = run.tally
    outcome.reasons = dict(_fill(run, table, Parser(rules), progress).most_common())
    if table.size:  # else nothing was appended but the beginning of a line
        _judge(outcome.input, run.tally, outcome.reasons, options)
    outcome.status = run.finish("; ".join(outcome.notes))
    outcome.run, outcome.data_version = run.run_id, data_version(run.connection)


def _appended(
    begin: _Begin, what: Input, source: Source, options: Options, progress: Progress | None
) -> Outcome | None:
    """Read only the rows that were appended to an input since its last run; None where all must be read."""
    with begin() as connection:
        last = last_reading(connection, source.name, options.made_up)
    if last is None or any(last.options.get(name) != value for name, value in what.options.items()):
        return None
    found = last.options.get("found", {})
    earlier = Earlier(last.bytes, last.sha256, last.format, tuple(last.columns), found.get("delimiter", ""))
    behind = tail(source, earlier, _wanted(options))
    if behind is None:
        return None
    what = replace(what, feed=last.feed, format=last.format, sha256=behind.sha256, bytes=behind.size)
    what = replace(
        what, columns=behind.table.columns, terms=last.terms, options={**last.options, "since": last.id}
    )
    outcome = Outcome(
        source.name, last.feed, last.format, notes=(f"only what was appended since run {last.id} was read",)
    )
    if behind.waits:
        outcome.notes += ("its last line has no end yet and waits",)
    try:
        rules = _rules_as_before(source, behind.table, options, last)
        with begin() as connection, begin_run(connection, what) as run:
            _store(run, behind.table, rules, options, outcome, progress)
            if run.tally.duplicate:
                # It may be a second animal beside one that looks the same: only all rows together tell.
                raise _Refused(f"{source.name} repeats what it has said before.")
    except Exception as error:  # noqa: BLE001 - read as a whole, the input tells what is wrong with it
        log.info("%s is read from its start: %s", source.name, error)
        return None
    return outcome


def _rules_as_before(source: Source, table: Table, options: Options, last: Any) -> Rules:
    """How the rows behind those of an earlier run are to be understood: like them. Raises _Refused."""
    found = last.options["found"]
    rules = _rules(source, table, replace(options, date_order=found["date_order"]))
    if rules.terms != last.terms or rules.order != found["date_order"]:
        raise _Refused(f"{source.name} would be understood otherwise than before.")
    return replace(rules, latin=found["latin"])


def _fail(begin: _Begin, what: Input, outcome: Outcome, message: str) -> None:
    """One line in the ledger and nothing else: all rows that were read are refused with their input."""
    read = outcome.tally.read
    outcome.status, outcome.message, outcome.tally = "failed", message, Tally(read=read, rejected=read)
    with begin() as connection:
        outcome.run = record_failure(connection, what, message, outcome.tally)
        outcome.data_version = data_version(connection)


def _sentence(name: str, error: Exception) -> str:
    """What a person is told; what nobody expected is logged whole."""
    if isinstance(error, Unreadable | MixedFeed | _Refused):
        return str(error)
    if isinstance(error, columns.UnknownTerm):
        return f"{name}: {error}"
    if isinstance(error, DAMAGE):
        return f"{name} cannot be read: {getattr(error, 'strerror', None) or error}."
    log.error("the ingest of %s failed", name, exc_info=error)
    first_line = str(error).partition("\n")[0][:200]
    return f"{name} could not be ingested because of an unexpected {type(error).__name__}: {first_line}"


def _fill(run: OpenRun, table: Table, parser: Parser, progress: Progress | None) -> Counter[str]:
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
    return reasons


def _ids(found: Understood, ask: Callable[[Iterable[Any]], Mapping[Any, int]]) -> pa.Array:
    """The id of each row's taxon or place."""
    # Of a row that is refused nothing may have been understood.
    values = [part.values[0] if part.values else None for part in found.parts]
    ids = ask(value for value in values if value is not None)
    return pa.array([ids[value] if value is not None else 0 for value in values]).take(pa.array(found.codes))


def _judge(name: str, tally: Tally, reasons: Mapping[str, int], options: Options) -> None:
    """Refuse an input that is broken as a whole. Raises _Refused."""
    told = ", ".join(f"{reason} {number:,}" for reason, number in reasons.items())
    if not tally.read:
        raise _Refused(f"{name} has no rows.")
    if tally.read == tally.rejected:
        raise _Refused(f"{name} has {tally.read:,} rows and not one could be understood ({told}).")
    refused = f"{name} has {tally.rejected:,} bad rows of {tally.read:,} ({told})"
    if options.strict and tally.rejected:
        raise _Refused(f"{refused} and --strict allows none.")
    if tally.rejected > max(_FEW, options.max_error_rate * tally.read):
        raise _Refused(f"{refused}, more than --max-error-rate {options.max_error_rate:g} allows.")


def _rules(source: Source, table: Table, options: Options) -> Rules:
    """How this table is to be understood. Raises Unreadable where it lacks a date, a name or their order."""
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
    latin = _latin(table, terms, constants)
    return Rules(table.columns, terms, order, zone, latin, table.delimiter, constants)


def _order(source: Source, table: Table, terms: Mapping[str, str]) -> days.Order | None:
    at = {term: table.columns.index(column) for column, term in terms.items()}
    if "eventDate" not in at:
        return None
    date, day, month = (at.get(term) for term in ("eventDate", "day", "month"))

    def cell(row: list[str], place: int | None) -> str:
        return row[place] if place is not None and place < len(row) else ""

    rows = chain.from_iterable(chunk.rows for chunk in table.chunks())
    dates = ((cell(row, date), cell(row, day), cell(row, month)) for row in rows)
    head = list(islice(dates, 1_000))
    if days.order_of(head) is None:
        return None
    found = days.order_of(chain(head, dates))
    if found == "undecided":
        example = next(one[0] for one in head if days.order_of([one]))
        raise Unreadable(
            f"{source.name} has dates like {example!r} and nothing in it tells for certain the day"
            " from the month: say --date-order DMY or MDY."
        )
    return found


def _latin(table: Table, terms: Mapping[str, str], constants: Mapping[str, str]) -> bool:
    """Whether what the table calls species are scientific names."""
    if "species" in constants:
        return taxa.looks_latin([constants["species"]])
    column = next((name for name, term in terms.items() if term == "species"), None)
    if column is None or "scientificName" in terms.values():
        return True
    place = table.columns.index(column)
    first = next(table.chunks(), None)
    sample = first.rows[:2_000] if first else []
    return taxa.looks_latin(row[place] for row in sample if place < len(row))


def signature(names: Iterable[str]) -> str:
    """The feed of a table of no global source: the same columns are the same feed, however it is named."""
    text = "\n".join(sorted(columns.plain(name) for name in names))
    return f"table-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
