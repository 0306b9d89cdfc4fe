"""The write side: one run is one transaction, from staging to the ledger; knows no files and no formats."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Insert, func, insert, literal, null, select, true, update
from sqlalchemy.dialects import postgresql, sqlite

from db.models import Reject, Run, Sighting
from db.names import MixedFeed, Places, Taxa, feed_id
from db.rollups import roll_up
from db.staging import (
    REPEATED,
    STAGING,
    close_staging,
    drop_repeated,
    name_the_nameless,
    open_staging,
    set_aside_repeated,
    stage,
)

_KEPT = [column.name for column in STAGING.c if column.name != "number"]
"""What a sighting takes over from staging."""


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
    _rejects: int = 0

    def stage(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Rows in the order of STAGING's columns."""
        if rows:
            stage(self.connection, rows)

    def reject(self, rows: Sequence[dict[str, Any]]) -> None:
        """Keep refused rows: dictionaries with line, reason, field, detail, raw."""
        if rows:
            numbered = [
                {**row, "run_id": self.run_id, "number": self._rejects + n} for n, row in enumerate(rows, 1)
            ]
            self.connection.execute(insert(Reject), numbered)
            self._rejects += len(rows)

    def finish(self, message: str = "") -> str:
        """Decide what is new, changed and known; bring rollups and ledger up to date; returns the status."""
        after_key = newest_key(self.connection)
        _merge(self, after_key)
        return self.close(after_key, message)

    def close(self, after_key: int, message: str) -> str:
        """Bring rollups and ledger up to date with what is written above a key; returns the status."""
        close_staging(self.connection)
        learned, tally = self.taxa.touch_changed(), self.tally
        changed = bool(tally.inserted or tally.updated or tally.removed or tally.restored or learned)
        if changed:
            self.tally.first_day, self.tally.last_day = roll_up(self.connection, self.run_id, after_key)
        status = "committed" if changed else "unchanged"
        self.connection.execute(
            update(Run)
            .where(Run.id == self.run_id)
            .values(status=status, changed=changed, finished_at=now(), message=message, **vars(self.tally))
        )
        return status

    def remove_all(self) -> str:
        """Take back every current sighting of this run's feed, as one more run; returns the run's status."""
        after_key = newest_key(self.connection)
        retire = update(Sighting).where(Sighting.feed_id == self.feed, Sighting.retired_run.is_(None))
        self.tally.removed = self.connection.execute(retire.values(retired_run=self.run_id)).rowcount
        return self.close(after_key, "every sighting of the feed was taken back")


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
    open_staging(connection)
    yield OpenRun(connection, run_id, feed, started, Tally(), Taxa(connection, run_id), Places(connection))


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


def _merge(run: OpenRun, after_key: int) -> None:
    """Sort the staged rows into new, changed and known, in four statements however many they are."""
    connection, tally = run.connection, run.tally
    name_the_nameless(connection)
    staged = int(connection.execute(select(func.count()).select_from(STAGING)).scalar_one())
    repeated = set_aside_repeated(connection)
    retired = _retire_changed(run)
    added = _insert_unknown(run)
    older = _keep_history(run, after_key) if repeated else 0
    if repeated:
        tally.issues["IDENTIFIER_REPEATED"] = repeated
        drop_repeated(connection)
    tally.inserted += added - retired
    tally.updated += retired + older
    tally.duplicate += staged - added - older


def _retire_changed(run: OpenRun) -> int:
    """Close the current revision of every record that came again with other content."""
    changed = (
        select(Sighting.key)
        .join(STAGING, (Sighting.occurrence_id == STAGING.c.occurrence_id) & (Sighting.feed_id == run.feed))
        .where(Sighting.retired_run.is_(None), Sighting.fingerprint != STAGING.c.fingerprint)
    )
    retire = update(Sighting).where(Sighting.key.in_(changed)).values(retired_run=run.run_id)
    return int(run.connection.execute(retire).rowcount)


def _insert_unknown(run: OpenRun) -> int:
    """Add what has no current revision; the unique index says what has one."""
    source = select(literal(run.feed), literal(run.run_id), *(STAGING.c[name] for name in _KEPT))
    dialect = sqlite if run.connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(Sighting).from_select(
        ["feed_id", "added_run", *_KEPT], source.where(true()).order_by(STAGING.c.number)
    )
    skip = statement.on_conflict_do_nothing(
        index_elements=["feed_id", "occurrence_id"], index_where=Sighting.retired_run.is_(None)
    )
    return _count(run.connection, skip)


def _count(connection: Connection, statement: Insert) -> int:
    """How many rows an INSERT ... SELECT added, which SQLAlchemy forgets unless it is told."""
    return int(connection.execute(statement, execution_options={"preserve_rowcount": True}).rowcount)


def _keep_history(run: OpenRun, after_key: int) -> int:
    """Keep the earlier contents of records that came repeatedly in this input and ended as something new."""
    final = (
        select(Sighting.key)
        .where(Sighting.key > after_key, Sighting.feed_id == run.feed, Sighting.retired_run.is_(None))
        .where(Sighting.occurrence_id == REPEATED.c.occurrence_id)
        .where(Sighting.fingerprint != REPEATED.c.fingerprint)
        .exists()
    )
    columns = (REPEATED.c[name] for name in _KEPT)
    source = select(literal(run.feed), literal(run.run_id), literal(run.run_id), *columns).where(final)
    statement = insert(Sighting).from_select(["feed_id", "added_run", "retired_run", *_KEPT], source)
    return _count(run.connection, statement)


def newest_key(connection: Connection) -> int:
    """The highest key of any revision; 0 in an empty database."""
    return int(connection.execute(select(func.coalesce(func.max(Sighting.key), 0))).scalar_one())


def now() -> str:
    """This moment in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
