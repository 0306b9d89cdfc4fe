"""One input is one run is one transaction: opens it, understands it, stores it, says what became of it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import SQLAlchemyError

from db import journal, stop
from db.appends import last_reading
from db.engine import LOOK, shrink_log
from db.file import DatabaseUnusable
from db.filters import data_version
from db.lock import Locked, LockLost, only_ingester
from db.questions.ledger import last_cursor, reasons
from db.repeats import other_feeds_of, record_repeat, tally_again
from db.replays import name_after_their_input
from db.store import Input, Tally, begin_run, record_failure
from ingest import known
from ingest.fill import fill
from ingest.formats import inputs, open_table
from ingest.formats.table import Table
from ingest.growth import Earlier, tail
from ingest.judge import NeedsApproval, Refused, judge, recognise, sentence
from ingest.meaning.parse import Parser, Rules
from ingest.meaning.rules import settle, signature, wanted
from ingest.outcome import Options, Outcome, Progress
from ingest.sources.source import Source, keeping_copies, of_file, sha256
from ingest.sources.unfinished import WAITS, without_open_line

log = logging.getLogger("sightings.ingest")
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
                    what, table, rules = _understood(begin, source, what, options, outcome)
                _store(begin, what, table, rules, options, outcome, progress)
            outcome = appended or outcome
    except Locked:
        raise
    except (Exception, stop.Stopped) as error:  # noqa: BLE001 - the ledger tells it, the other inputs go on
        outcome.status = "needs_approval" if isinstance(error, NeedsApproval) else "failed"
        _fail(begin, what, outcome, sentence(source.name, error))
    outcome.seconds = monotonic() - started
    return outcome


def ingest_again(
    writer: Engine, what: Input, table: Table, options: Options, found: Mapping[str, Any]
) -> Outcome:
    """Rows of an earlier input, as one more run of its feed, whatever share of them is refused again.

    ``found`` is what was decided for it as a whole, which a few rows might not tell. Raises db.lock.Locked.
    """
    outcome = Outcome(what.name, feed=what.feed, format=what.format)
    started = monotonic()
    with only_ingester(writer), _rehearsal(writer) if options.dry_run else nullcontext(writer.begin) as begin:
        try:
            rules = settle(of_file(Path(what.name)), table, options)
            rules = _as_found(rules, found)
            outcome.terms = dict(rules.terms)
            what = replace(what, columns=table.columns, terms=outcome.terms)
            what = replace(what, options={**what.options, "found": _found(rules)})
            with begin() as connection:
                journal.note(connection, what)
            with begin() as connection:
                with stop.may_stop(), begin_run(connection, what) as run:
                    outcome.tally = run.tally
                    outcome.reasons = dict(fill(run, table, Parser(rules), None).most_common())
                    name = partial(name_after_their_input, connection, run.feed)
                    outcome.status = run.finish(f"rejects of run {what.replays}, read again", name)
                    outcome.run, outcome.data_version = run.run_id, data_version(connection)
                journal.clear(connection)
        except Locked:
            raise
        except (Exception, stop.Stopped) as error:  # noqa: BLE001 - the ledger tells it
            _fail(begin, what, outcome, sentence(what.name, error))
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
        outcome.tally, outcome.reasons = tally_again(connection, earlier), reasons(connection, earlier.id)
        outcome.feed, outcome.format, outcome.terms = earlier.feed, earlier.format, dict(earlier.terms)
        outcome.extra = tuple(name for name in earlier.columns if name not in earlier.terms)
        judge(source.name, outcome.tally, outcome.reasons, options)
        outcome.message = f"the same bytes as run {earlier.repeats or earlier.id}"
        what = replace(what, feed=earlier.feed, format=earlier.format, columns=tuple(earlier.columns))
        what = replace(what, terms=dict(earlier.terms), options=dict(earlier.options))
        outcome.run = record_repeat(connection, what, earlier, outcome.message)
        outcome.status, outcome.data_version = "unchanged", data_version(connection)
    return True


def _feed_before(begin: _Begin, what: Input, table: Table) -> str:
    """The feed of the last run over an input of this name, if that has only gained columns since."""
    with begin() as connection:
        last = last_reading(connection, what.name, what.made_up)
    if last is None or last.options.get("said") != what.options["said"]:
        return ""
    return str(last.feed) if set(last.columns) < set(table.columns) else ""


def _understood(
    begin: _Begin, source: Source, what: Input, options: Options, outcome: Outcome
) -> tuple[Input, Table, Rules]:
    """Open an input and settle how it is to be read; what was found out is for the ledger, too."""
    kind, table = open_table(source, options.format, wanted(options))
    feed = what.feed or table.feed or _feed_before(begin, what, table) or signature(table.columns)
    what = replace(what, feed=feed, format=kind.name)
    what = replace(what, columns=table.columns)
    outcome.feed, outcome.format, outcome.notes = what.feed, what.format, table.notes
    rules = settle(source, table, options)
    outcome.notes += rules.notes
    outcome.terms = dict(rules.terms)
    outcome.extra = tuple(name for name in table.columns if name not in rules.terms)
    found = _found(rules)
    parts = {"parts": known.parts(table.parts)} if table.parts else {}
    return replace(what, terms=outcome.terms, options={**what.options, "found": found, **parts}), table, rules


def _found(rules: Rules) -> dict[str, Any]:
    """What was decided for a table as a whole, and is to hold for whatever is read of it later."""
    return {
        "delimiter": rules.delimiter,
        "date_order": rules.order,
        "latin": rules.latin,
        "decimal_comma": rules.decimal_comma,
    }


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
    """Read the rows of a table in one transaction. Raises Refused where it is broken as a whole.

    Where they were ``appended`` to known ones, none may be known: it may be a second animal beside one that
    looks the same, and only all rows together tell.
    """
    with begin() as connection:
        with stop.may_stop(), begin_run(connection, what) as run:
            outcome.tally = run.tally
            outcome.reasons = dict(fill(run, table, Parser(rules), progress).most_common())
            if table.size or not appended:  # else nothing was appended but the beginning of a line
                judge(what.name, run.tally, outcome.reasons, options, run.examples)
            others = other_feeds_of(connection, what.sha256 or "", what.feed)
            if others:
                told = f"the same bytes are in the feed {' and '.join(others)} too, where they count as well"
                outcome.notes += (told,)
            look = partial(recognise, what.name, run, options)
            outcome.status = run.finish("; ".join(outcome.notes), look)
            if appended and run.tally.duplicate:
                raise Refused(f"{what.name} repeats what it has said before.")
            outcome.run, outcome.data_version = run.run_id, data_version(connection)
        journal.clear(connection)


def _appended(
    begin: _Begin, what: Input, source: Source, options: Options, progress: Progress | None
) -> Outcome | None:
    """Read only the rows that were appended to an input since its last run; None where all must be read."""
    with begin() as connection:
        last = last_reading(connection, source.name, options.made_up)
    if last is None or options.strict:  # all rows together are to be judged
        return None
    if any(last.options.get(name) != value for name, value in what.options.items()):
        return None
    found = last.options.get("found", {})
    earlier = Earlier(last.bytes, last.sha256, last.format, tuple(last.columns), found.get("delimiter", ""))
    behind = tail(source, earlier, wanted(options))
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
        outcome.notes += (WAITS,)
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
    """How the rows behind those of an earlier run are to be understood: like them. Raises Refused."""
    found = last.options["found"]
    rules = settle(source, table, replace(options, date_order=found["date_order"]))
    if rules.terms != last.terms or rules.order != found["date_order"]:
        raise Refused(f"{source.name} would be understood otherwise than before.")
    if rules.comma_told and rules.decimal_comma != found.get("decimal_comma", rules.decimal_comma):
        raise Refused(f"{source.name} shows another decimal mark than before.")
    return _as_found(rules, found)


def _as_found(rules: Rules, found: Mapping[str, Any]) -> Rules:
    """With what all rows together have told, where these few tell it less well."""
    latin, comma = found.get("latin"), found.get("decimal_comma")
    return replace(
        rules,
        latin=rules.latin if latin is None else latin,
        decimal_comma=rules.decimal_comma if comma is None else comma,
    )


def _fail(begin: _Begin, what: Input, outcome: Outcome, message: str) -> None:
    """One line in the ledger and nothing else: all rows that were read are refused with their input."""
    read = outcome.tally.read
    outcome.message, outcome.tally = message, Tally(read=read, rejected=read)
    try:
        with begin() as connection:
            outcome.run = record_failure(connection, what, message, outcome.tally, outcome.status)
            outcome.data_version = data_version(connection)
            journal.clear(connection)
    except (SQLAlchemyError, LockLost, DatabaseUnusable) as error:
        # A full disk, a lost server, a file that is another one: the next one finds the note.
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
        _fail(begin, what, outcome, sentence(source.name, error))
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
