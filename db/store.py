"""The write side: one run is one transaction, from staging to the ledger; knows no files and no formats."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, null, update

from db.beside import FileBeside
from db.deltas import Delta
from db.keys import newest_key
from db.merge import Merged, is_first_load, merge
from db.models import Reject, Run, Sighting
from db.names import MixedFeed, Places, Taxa, feed_id
from db.rollups import roll_up, write_ahead
from db.staging import Columns, Staging


@dataclass(frozen=True)
class Input:
    """What the ledger says of one input before its first row is read."""

    name: str
    feed: str
    """Empty where the input failed before it was clear which."""
    format: str
    sha256: str | None = None
    made_up: bool = False
    columns: tuple[str, ...] = ()
    terms: dict[str, str] = field(default_factory=dict)
    bytes: int | None = None
    options: dict[str, Any] = field(default_factory=dict)
    """What the operator said, and what was decided of how the input is understood."""
    cursor: Mapping[str, Any] | None = None
    """Where the next reading of the feed goes on."""
    undoes: int | None = None
    replays: int | None = None


@dataclass
class Tally:
    """The accounting of one run: read = inserted + updated + duplicate + rejected + skipped."""

    read: int = 0
    inserted: int = 0
    updated: int = 0
    duplicate: int = 0
    rejected: int = 0
    skipped: int = 0
    removed: int = 0
    restored: int = 0
    skips: dict[str, int] = field(default_factory=dict)
    """Reason -> how many of the skipped rows."""
    issues: dict[str, int] = field(default_factory=dict)
    first_day: int | None = None
    last_day: int | None = None

    def adds_up(self) -> bool:
        """Promise 1."""
        return self.read == self.inserted + self.updated + self.duplicate + self.rejected + self.skipped


_EXAMPLES = 3


@dataclass
class OpenRun:
    """A run whose transaction is open: rows are staged, rejects noted, then ``finish`` decides."""

    connection: Connection
    run_id: int
    feed: int
    started_at: str
    tally: Tally
    taxa: Taxa
    places: Places
    staging: Staging
    after_key: int
    """The newest key before it."""
    _delta: Delta = field(default_factory=Delta)
    _counting: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "counting"))
    _counted: Future[None] | None = None
    examples: list[dict[str, Any]] = field(default_factory=list)
    """The first few rejects: where the whole run is refused, nothing else of them is kept."""
    _rejects: int = 0

    def stage(self, columns: Columns) -> None:
        """Rows as columns under the names of ``sighting``; ``number`` counts the input's rows from 1."""
        if len(columns["number"]):
            self.staging.add(columns)
            self._wait_until_counted()
            self._counted = self._counting.submit(self._delta.add, columns)

    def _wait_until_counted(self) -> None:
        """Rows are counted while the next ones are understood, and no more than these few wait."""
        if self._counted:
            self._counted.result()

    def reject(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep refused rows: dictionaries with line, reason, field, detail, raw."""
        if rows:
            numbered = [
                {**row, "run_id": self.run_id, "number": self._rejects + n} for n, row in enumerate(rows, 1)
            ]
            self.connection.execute(insert(Reject), numbered)
            self._rejects += len(rows)
            self.examples += rows[: _EXAMPLES - len(self.examples)]

    def finish(self, message: str = "", before: Callable[[], None] | None = None) -> str:
        """Decide what is new, changed and known; bring rollups and ledger up to date; returns the status.

        ``before`` is called while all rows are staged and nothing is decided.
        """
        self._wait_until_counted()
        self.staging.close()
        if before:
            before()
        first_load = is_first_load(self.connection, self.staging, self.feed, self.after_key)
        ahead = write_ahead(self.connection, self.feed, self._delta) if first_load else None
        try:
            merged = self._merge(first_load)
            all_new = merged.inserted == self.staging.rows
            return self.announce(message, *((self._delta, ahead) if all_new else ()))
        finally:
            if ahead:
                ahead.discard()

    def abandon(self) -> None:
        """Leave no file and no thread behind, whatever has happened."""
        self._counting.shutdown()
        self.staging.abandon()

    def _merge(self, first_load: bool) -> Merged:
        words = (self.connection, self.staging, self.feed, self.run_id, self.after_key)
        merged = merge(*words, first_load=first_load)
        tally = self.tally
        tally.inserted += merged.inserted
        tally.updated += merged.updated
        tally.duplicate += merged.duplicate
        if merged.repeated:
            tally.issues["IDENTIFIER_REPEATED"] = merged.repeated
        self.staging.drop()
        return merged

    def announce(self, message: str, added: Delta | None = None, ahead: FileBeside | None = None) -> str:
        """Bring rollups and ledger up to date with what this run has written; returns the status."""
        learned = self.taxa.touch_changed()
        tally = self.tally
        changed = bool(tally.inserted or tally.updated or tally.removed or tally.restored or learned)
        if changed:
            days = roll_up(self.connection, self.run_id, self.feed, self.after_key, added, ahead)
            tally.first_day, tally.last_day = days
        status = "committed" if changed else "unchanged"
        self.connection.execute(
            update(Run)
            .where(Run.id == self.run_id)
            .values(status=status, changed=changed, finished_at=now(), message=message, **vars(tally))
        )
        return status

    def remove_all(self) -> str:
        """Take back every current sighting of this run's feed, as one more run; returns the run's status."""
        retire = update(Sighting).where(Sighting.feed_id == self.feed, Sighting.retired_run.is_(None))
        self.tally.removed = self.connection.execute(retire.values(retired_run=self.run_id)).rowcount
        return self.announce("every sighting of the feed was taken back")


@contextmanager
def begin_run(connection: Connection, what: Input) -> Iterator[OpenRun]:
    """Open a run inside the caller's transaction: nothing of it can be seen before the caller commits."""
    feed = feed_id(connection, what.feed, what.made_up)
    started = now()
    statement = insert(Run).values(
        **ledger_line(what, feed),
        started_at=started,
        finished_at=started,
        status="running",
    )
    run_id = int(connection.execute(statement.returning(Run.id)).scalar_one())
    after = newest_key(connection)
    staging = Staging(connection, feed, run_id, after)
    names = (Taxa(connection, run_id), Places(connection))
    run = OpenRun(connection, run_id, feed, started, Tally(), *names, staging, after)
    try:
        yield run
    finally:
        run.abandon()


def ledger_line(what: Input, feed: int | None) -> dict[str, Any]:
    """What the ledger says of an input whatever becomes of it."""
    return {
        "input": what.name,
        "sha256": what.sha256,
        "format": what.format,
        "feed_id": feed,
        "columns": list(what.columns),
        "terms": what.terms,
        "bytes": what.bytes,
        "options": what.options,
        "cursor": dict(what.cursor) if what.cursor is not None else null(),
        "undoes": what.undoes,
        "replays": what.replays,
    }


def record_failure(
    connection: Connection,
    what: Input,
    message: str,
    tally: Tally,
    status: str = "failed",
    started_at: str | None = None,
) -> int:
    """One ledger line for an input of which nothing was kept; the data version does not move."""
    try:
        feed = feed_id(connection, what.feed, what.made_up) if what.feed else None
    except MixedFeed:
        feed = None
    line = {**ledger_line(what, feed), **vars(tally), "status": status, "message": message}
    statement = insert(Run).values(**line, started_at=started_at or now(), finished_at=now())
    return int(connection.execute(statement.returning(Run.id)).scalar_one())


def remove_feed(writer: Engine, feed: str, made_up: bool) -> dict[str, Any]:
    """Take back every current sighting of a feed, as one run; says which and how many. Raises MixedFeed."""
    what = Input("-", feed, "removal", made_up=made_up)
    with writer.begin() as connection, begin_run(connection, what) as run:
        status = run.remove_all()
    return {"run": run.run_id, "feed": feed, "status": status, "removed": run.tally.removed}


def now() -> str:
    """This moment in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
