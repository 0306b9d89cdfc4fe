"""What the ledger says: runs, their rejects, the feeds; knows nothing of how it is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, ScalarSelect, case, exists, func, null, select
from sqlalchemy.orm import aliased

from db.models import Feed, Reject, Run
from db.questions.summary import interval_text


def runs(
    connection: Connection,
    limit: int = 50,
    run_id: int | None = None,
    feed: str | None = None,
    before: int | None = None,
) -> list[dict[str, Any]]:
    """The newest runs, of all feeds or of one, from before a run if one is named, or the one asked for."""
    asked = _WITH_FEED.order_by(Run.id.desc()).limit(limit)
    if feed is not None:
        asked = asked.where(Feed.name == feed)
    if run_id is not None:
        asked = asked.where(Run.id == run_id)
    if before is not None:
        asked = asked.where(Run.id < before)
    return [_run(row) for row in connection.execute(asked)]


_WITH_FEED = select(Run, Feed.name.label("feed")).join(Feed, Run.feed_id == Feed.id, isouter=True)


def _run(run: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    return {
        "run": run.id,
        "feed": run.feed,
        "input": run.input,
        "bytes": run.bytes,
        "sha256": run.sha256,
        "format": run.format,
        "status": run.status,
        "startedAt": run.started_at,
        "finishedAt": run.finished_at,
        "read": run.read,
        "inserted": run.inserted,
        "updated": run.updated,
        "duplicate": run.duplicate,
        "rejected": run.rejected,
        "skipped": run.skipped,
        "removed": run.removed,
        "restored": run.restored,
        "skips": run.skips,
        "issues": run.issues,
        "message": run.message,
        "undoes": run.undoes,
        "replays": run.replays,
        "repeats": run.repeats,
    }


def one_run(connection: Connection, run_id: int) -> dict[str, Any] | None:
    """All that the ledger says of one run; None where there is none of this number.

    Beside what ``runs`` tells: ``reasons`` of its rejects, ``columns`` and the ``terms`` that they were
    understood as, ``options``, ``days`` that it changed, and by which run it was taken back.
    """
    run = connection.execute(_WITH_FEED.where(Run.id == run_id)).first()
    if run is None:
        return None
    return _run(run) | {
        "reasons": reasons(connection, run_id),
        "columns": run.columns,
        "terms": run.terms,
        "options": run.options,
        "days": interval_text(run.first_day, run.last_day),
        "undoneBy": _undone_by(connection, run_id) if run.status == "undone" else None,
    }


def _undone_by(connection: Connection, run_id: int) -> int | None:
    """The undo that holds: one that was taken back itself does not."""
    asked = select(func.max(Run.id)).where(Run.undoes == run_id, Run.status != "undone")
    return connection.execute(asked).scalar()


def rejects(
    connection: Connection, run_id: int, limit: int | None = 10_000, offset: int = 0
) -> list[dict[str, Any]]:
    """The rows that a run refused, in the order of the input."""
    asked = select(Reject).where(Reject.run_id == _read_by(run_id)).order_by(Reject.number)
    asked = asked.limit(limit).offset(offset)
    return [
        {"line": row.line, "reason": row.reason, "field": row.field, "detail": row.detail, "raw": row.raw}
        for row in connection.execute(asked)
    ]


def _read_by(run_id: int) -> ScalarSelect[int]:
    """The run that really read the input of this one."""
    return select(func.coalesce(Run.repeats, Run.id)).where(Run.id == run_id).scalar_subquery()


def last_runs(connection: Connection) -> dict[str, dict[str, Any]]:
    """The newest run of each feed."""
    newest = select(func.max(Run.id)).group_by(Run.feed_id)
    asked = _WITH_FEED.where(Run.id.in_(newest), Run.feed_id.is_not(None)).order_by(Feed.name)
    return {row.feed: _run(row) for row in connection.execute(asked)}


_WENT_WELL = ("committed", "unchanged", "undone")


@dataclass(frozen=True)
class Age:
    """How long ago the last run of a feed ended, and the last one that did not fail, in seconds."""

    run: float
    success: float | None
    """None where none ever succeeded."""


def ages(connection: Connection, now: datetime) -> dict[str, Age]:
    """How old the last run of each feed is."""
    succeeded = case((Run.status.in_(_WENT_WELL), Run.finished_at))
    asked = select(Feed.name, func.max(Run.finished_at), func.max(succeeded)).join(
        Feed, Run.feed_id == Feed.id
    )

    def since(when: str) -> float:
        return max((now - datetime.fromisoformat(when)).total_seconds(), 0.0)

    return {
        name: Age(since(ended), since(well) if well else None)
        for name, ended, well in connection.execute(asked.group_by(Feed.name).order_by(Feed.name))
    }


def last_heard(connection: Connection, names: Iterable[str]) -> dict[str, str]:
    """Feed -> when its last run that did not fail ended; where none succeeded yet, when its first one began.

    Feeds without a run are left out. Looks at the newest runs of each alone, however long the ledger is.
    """
    own = select(Run.finished_at).where(Run.feed_id == Feed.id, Run.status.in_(_WENT_WELL))
    first = select(Run.started_at).where(Run.feed_id == Feed.id).order_by(Run.id).limit(1)
    last = own.order_by(Run.id.desc()).limit(1)
    heard = func.coalesce(last.scalar_subquery(), first.scalar_subquery())
    asked = select(Feed.name, heard).where(Feed.name.in_(list(names)))
    return {name: when for name, when in connection.execute(asked) if when is not None}


def last_cursor(connection: Connection, name: str, feed: str = "") -> Row[*tuple[Any, ...]] | None:
    """The newest run of an input, in this feed if one is named, that says where the next reading goes on.

    Where an undo took back what had been read up to there, it goes on from before that.
    """
    undo, undone = aliased(Run), aliased(Run)
    # Of the whole feed: what was taken back may have been brought by another input, and only met here.
    taken_back = exists().where(
        undone.feed_id == Run.feed_id,
        undone.id <= Run.id,
        undo.undoes == undone.id,
        undo.id > Run.id,
        undo.status != "undone",
    )
    asked = _WITH_FEED.where(Run.input == name, Run.cursor.is_not(null()), ~taken_back)
    asked = asked.where(Run.status.in_(("committed", "unchanged")))
    if feed:
        asked = asked.where(Feed.name == feed)
    return connection.execute(asked.order_by(Run.id.desc()).limit(1)).first()


def reasons(connection: Connection, run_id: int) -> dict[str, int]:
    """Reason code -> how many rows of a run were refused for it, most first."""
    counted = select(Reject.reason, func.count()).where(Reject.run_id == _read_by(run_id))
    counted = counted.group_by(Reject.reason).order_by(func.count().desc(), Reject.reason)
    return {reason: int(count) for reason, count in connection.execute(counted)}
