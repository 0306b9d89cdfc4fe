"""One input is one run is one transaction: opens it, understands it, stores it, says what became of it."""

from __future__ import annotations

import gc
import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from db import journal, stop
from db.appends import last_reading
from db.arrow import pa
from db.engine import LOOK, shrink_log
from db.filters import data_version
from db.lock import Locked, LockLost, only_ingester
from db.names import MixedFeed
from db.newcomers import look_like_the_same
from db.questions.ledger import last_cursor, reasons
from db.repeats import record_repeat, tally_again
from db.replays import name_after_their_input
from db.store import Input, OpenRun, Tally, begin_run, record_failure
from ingest import columns, days, known, taxa
from ingest.evidence import gather
from ingest.formats import inputs, open_table
from ingest.formats.table import Table, Wanted
from ingest.growth import Earlier, tail
from ingest.parse import Parser, Rules
from ingest.parts import Understood
from ingest.source import DAMAGE, Source, Unreadable, keeping_copies, of_file, sha256
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


class _NeedsApproval(_Refused):
    """The input is fine by itself, and would most likely do harm: a person has to say so."""


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
            with writer.begin() as connection:
                journal.settle(connection)
            outcomes = _each(writer.begin, sources, options, progress)
            shrink_log(writer)
            return outcomes
        with _rehearsal(writer) as begin:
            outcomes = _each(begin, sources, options, progress)
        with writer.connect().execution_options(**LOOK) as connection:
            version = data_version(connection)
        return [replace(outcome, run=None, data_version=version) for outcome in outcomes]


def _each(
    begin: _Begin, sources: Iterable[Source], options: Options, progress: Progress | None
) -> list[Outcome]:
    """One input after the other, until told to stop."""
    outcomes = []
    for source in _apart(sources, options):
        if stop.asked():
            break
        outcomes.append(_brought(begin, source, options, progress))
    return outcomes


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
    what = replace(what, options={"understanding": known.UNDERSTANDING, "said": options.said()})
    try:
        with stop.may_stop():
            what = replace(what, sha256=sha256(source), cursor=source.cursor)
        if not _repeated(begin, what, source, options, outcome):
            appended = _appended(begin, what, source, options, progress)
            if appended is None:
                with stop.may_stop():
                    what, table, rules = _understood(source, what, options, outcome)
                _store(begin, what, table, rules, options, outcome, progress)
            outcome = appended or outcome
    except Locked:
        raise
    except (Exception, stop.Stopped) as error:  # noqa: BLE001 - the ledger tells it, the other inputs go on
        outcome.status = "needs_approval" if isinstance(error, _NeedsApproval) else "failed"
        _fail(begin, what, outcome, _sentence(source.name, error))
    outcome.seconds = monotonic() - started
    return outcome


def ingest_again(writer: Engine, what: Input, table: Table, options: Options, latin: bool | None) -> Outcome:
    """Rows of an earlier input, as one more run of its feed, whatever share of them is refused again.

    ``latin`` is what was found out of its names, which a few rows might not tell. Raises db.lock.Locked.
    """
    outcome = Outcome(what.name, feed=what.feed, format=what.format)
    started = monotonic()
    with only_ingester(writer), _rehearsal(writer) if options.dry_run else nullcontext(writer.begin) as begin:
        try:
            rules = _rules(of_file(Path(what.name)), table, options)
            rules = replace(rules, latin=rules.latin if latin is None else latin)
            outcome.terms = dict(rules.terms)
            found = {"delimiter": rules.delimiter, "date_order": rules.order, "latin": rules.latin}
            what = replace(what, columns=table.columns, terms=outcome.terms)
            what = replace(what, options={**what.options, "found": found})
            with begin() as connection:
                journal.note(connection, what)
            with begin() as connection:
                with stop.may_stop(), begin_run(connection, what) as run:
                    outcome.tally = run.tally
                    outcome.reasons = dict(_fill(run, table, Parser(rules), None).most_common())
                    name = partial(name_after_their_input, connection, run.feed, what.replays or 0)
                    outcome.status = run.finish(f"rejects of run {what.replays}, read again", name)
                    outcome.run, outcome.data_version = run.run_id, data_version(connection)
                journal.clear(connection)
        except Locked:
            raise
        except (Exception, stop.Stopped) as error:  # noqa: BLE001 - the ledger tells it
            _fail(begin, what, outcome, _sentence(what.name, error))
    outcome.seconds = monotonic() - started
    return replace(outcome, run=None) if options.dry_run else outcome


def _repeated(begin: _Begin, what: Input, source: Source, options: Options, outcome: Outcome) -> bool:
    """Account for an input whose very bytes were read before and still stand, instead of reading it."""
    with begin() as connection:
        earlier = known.earlier_run(
            connection, source, what.sha256 or "", what.options["said"], options.made_up
        )
        if earlier is None:
            journal.note(connection, what)
            return False
        outcome.tally, outcome.reasons = tally_again(earlier), reasons(connection, earlier.id)
        outcome.feed, outcome.format, outcome.terms = earlier.feed, earlier.format, dict(earlier.terms)
        outcome.extra = tuple(name for name in earlier.columns if name not in earlier.terms)
        _judge(source.name, outcome.tally, outcome.reasons, options)
        outcome.message = f"the same bytes as run {earlier.repeats or earlier.id}"
        what = replace(what, feed=earlier.feed, format=earlier.format, columns=tuple(earlier.columns))
        what = replace(what, terms=dict(earlier.terms), options=dict(earlier.options))
        outcome.run = record_repeat(connection, what, earlier, outcome.message)
        outcome.status, outcome.data_version = "unchanged", data_version(connection)
    return True


def _understood(
    source: Source, what: Input, options: Options, outcome: Outcome
) -> tuple[Input, Table, Rules]:
    """Open an input and settle how it is to be read; what was found out is for the ledger, too."""
    kind, table = open_table(source, options.format, _wanted(options))
    what = replace(what, feed=what.feed or table.feed or signature(table.columns), format=kind.name)
    what = replace(what, columns=table.columns)
    outcome.feed, outcome.format, outcome.notes = what.feed, what.format, table.notes
    rules = _rules(source, table, options)
    outcome.notes += rules.notes
    outcome.terms = dict(rules.terms)
    outcome.extra = tuple(name for name in table.columns if name not in rules.terms)
    found = {"delimiter": rules.delimiter, "date_order": rules.order, "latin": rules.latin}
    parts = {"parts": known.parts(table.parts)} if table.parts else {}
    return replace(what, terms=outcome.terms, options={**what.options, "found": found, **parts}), table, rules


def _wanted(options: Options) -> Wanted:
    given = frozenset(map(columns.known_term, (*options.set, *options.map.values())))
    return Wanted(options.sheet, options.min_confidence, given)


def _store(
    begin: _Begin,
    what: Input,
    table: Table,
    rules: Rules,
    options: Options,
    outcome: Outcome,
    progress: Progress | None,
    *,
    appended: bool = False,
) -> None:
    """Read the rows of a table in one transaction. Raises _Refused where it is broken as a whole.

    Where they were ``appended`` to known ones, none may be known: it may be a second animal beside one that
    looks the same, and only all rows together tell.
    """
    with begin() as connection:
        with stop.may_stop(), begin_run(connection, what) as run:
            outcome.tally = run.tally
            outcome.reasons = dict(_fill(run, table, Parser(rules), progress).most_common())
            if table.size or not appended:  # else nothing was appended but the beginning of a line
                _judge(what.name, run.tally, outcome.reasons, options)
            recognise = partial(_recognise, what.name, run, options)
            outcome.status = run.finish("; ".join(outcome.notes), recognise)
            if appended and run.tally.duplicate:
                raise _Refused(f"{what.name} repeats what it has said before.")
            outcome.run, outcome.data_version = run.run_id, data_version(connection)
        journal.clear(connection)


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
        outcome.terms = dict(rules.terms)
        outcome.extra = tuple(name for name in behind.table.columns if name not in rules.terms)
        _store(begin, what, behind.table, rules, options, outcome, progress, appended=True)
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
    outcome.message, outcome.tally = message, Tally(read=read, rejected=read)
    try:
        with begin() as connection:
            outcome.run = record_failure(connection, what, message, outcome.tally, outcome.status)
            outcome.data_version = data_version(connection)
            journal.clear(connection)
    except (SQLAlchemyError, LockLost) as error:  # a full disk, a lost server: the next one finds the note
        log.error("the ledger could not be told of %s", what.name, exc_info=error)
        outcome.run = None


def _brought(begin: _Begin, source: Source, options: Options, progress: Progress | None) -> Outcome:
    """One input, which is fetched first where it lies elsewhere."""
    if source.fetch is None:
        return _one(begin, source, options, progress)
    started = monotonic()
    outcome = Outcome(source.name, feed=options.feed or "")
    told = {"understanding": known.UNDERSTANDING, "said": options.said()}
    what = Input(source.name, outcome.feed, options.format, made_up=options.made_up, options=told)
    try:
        with begin() as connection:
            last = last_cursor(connection, source.name, outcome.feed)
        if last and any(last.options.get(key) != value for key, value in told.items()):
            last = None  # what has not changed there is to be understood otherwise here
        with stop.may_stop():
            here = source.fetch(last.cursor if last else None)
        if here is not None:
            try:
                return _one(begin, here, options, progress)
            finally:
                here.path.unlink(missing_ok=True)
        _nothing_new(begin, what, last, outcome)
    except Locked:
        raise
    except (Exception, stop.Stopped) as error:  # noqa: BLE001 - the ledger tells it, the other inputs go on
        _fail(begin, what, outcome, _sentence(source.name, error))
    outcome.seconds = monotonic() - started
    return outcome


def _nothing_new(begin: _Begin, what: Input, last: Row[*tuple[Any, ...]] | None, outcome: Outcome) -> None:
    """One line in the ledger for a source that says that it holds what it held; the cursor stays."""
    outcome.status, outcome.message = "unchanged", "there is nothing there yet"
    if last is not None:
        outcome.message = f"not modified since {last.started_at}"
        outcome.feed, outcome.format = last.feed, last.format
        what = replace(what, feed=last.feed, format=last.format, cursor=last.cursor)
    with begin() as connection:
        outcome.run = record_failure(connection, what, outcome.message, outcome.tally, outcome.status)
        outcome.data_version = data_version(connection)


def _sentence(name: str, error: BaseException) -> str:
    """What a person is told; what nobody expected is logged whole."""
    if stop.asked():  # whatever it was then: a statement that was broken off has a name of its own
        return f"{name} was stopped by {stop.asked_by()}; nothing of it was kept."
    if isinstance(error, Unreadable | MixedFeed | LockLost | _Refused):
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


def _recognise(name: str, run: OpenRun, options: Options) -> None:
    """Stop an input that brings the records of its feed again under new names. Raises _NeedsApproval."""
    found = None if options.accept_new_ids else look_like_the_same(run.connection, run.feed)
    if found:
        raise _NeedsApproval(
            f"{name} needs approval: of {found.looked_at:,} rows looked at, {found.new:,} have identifiers"
            f" that are new to this feed, and {found.known:,} of these are records that it has under other"
            " ones, so they would count twice. Say --accept-new-ids if they are other records; else undo the"
            " runs that brought the old ones, or give the file a feed of its own."
        )


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
                f" name one with --map COLUMN={needed[0]}, or give it to every row with --set {needed[0]}=..."
            )
    zone = ZoneInfo(options.timezone) if options.timezone else None
    order = options.date_order or table.date_order or _order(source, table, terms)
    latin = _latin(table, terms, constants)
    found = gather(source.name, table, terms)
    return Rules(
        *(table.columns, terms, order, zone, latin, table.delimiter, constants),
        decimal_comma=found.decimal_comma,
        notes=found.notes,
    )


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
    names = (row[place] for row in sample if place < len(row))
    return taxa.looks_latin(names, beside_genus="genus" in terms.values())


def signature(names: Iterable[str]) -> str:
    """The feed of a table of no global source: the same columns are the same feed, however it is named."""
    text = "\n".join(sorted(columns.plain(name) for name in names))
    return f"table-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
