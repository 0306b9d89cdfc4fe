"""Bytes that were read before: which runs may stand for reading them again, and the line that says so."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlalchemy import Connection, Row, exists, insert, or_, select
from sqlalchemy.orm import aliased

from db.models import Feed, Lesson, Run
from db.store import Input, Tally, ledger_line, now


def read_before(connection: Connection, sha256: str, made_up: bool) -> list[Row[*tuple[Any, ...]]]:
    """The runs over these bytes of which all still stands, newest first: ledger lines with ``feed``.

    Nothing of their feed was corrected or taken back since, and no name was forgotten: to read the same
    bytes again would find every row as it is.
    """
    later = aliased(Run)
    retired = exists().where(
        later.feed_id == Run.feed_id, later.id > Run.id, or_(later.updated > 0, later.removed > 0)
    )
    asked = (
        select(Run, Feed.name.label("feed"))
        .join(Feed, Run.feed_id == Feed.id)
        .where(Run.sha256 == sha256, Run.status.in_(("committed", "unchanged")), Feed.made_up == made_up)
        .where(Run.undoes.is_(None), Run.replays.is_(None), ~retired)
        .where(~exists().where(Lesson.forgotten_run > Run.id))
        .order_by(Run.id.desc())
    )
    return list(connection.execute(asked))


def other_feeds_of(connection: Connection, sha256: str, feed: str) -> list[str]:
    """The other feeds to which the same bytes were ingested, and not taken back: they count twice."""
    asked = (
        select(Feed.name)
        .join(Run, Run.feed_id == Feed.id)
        .where(Run.sha256 == sha256, Run.status == "committed", Feed.name != feed)
        .distinct()
        .order_by(Feed.name)
    )
    return [str(name) for name in connection.execute(asked).scalars()]


def tally_again(connection: Connection, earlier: Row[*tuple[Any, ...]]) -> Tally:
    """What reading the bytes of an earlier run again would count.

    One that has read only what was appended since another stands for the rows of that, too.
    """
    tally = Tally()
    run: Row[*tuple[Any, ...]] | None = earlier
    skips, issues = Counter[str](), Counter[str]()
    while run is not None:
        tally.read += run.read
        tally.rejected += run.rejected
        tally.skipped += run.skipped
        skips.update(run.skips)
        issues.update(run.issues)
        since = run.options.get("since")
        run = connection.execute(select(Run.__table__).where(Run.id == since)).first() if since else None
    tally.duplicate = tally.read - tally.rejected - tally.skipped
    tally.skips, tally.issues = dict(skips), dict(issues)
    return tally


def record_repeat(connection: Connection, what: Input, earlier: Row[*tuple[Any, ...]], message: str) -> int:
    """One ledger line for an input that was not read, because an earlier run had read its bytes."""
    line = ledger_line(what, earlier.feed_id) | vars(tally_again(connection, earlier))
    line |= {"status": "unchanged", "message": message, "repeats": earlier.repeats or earlier.id}
    statement = insert(Run).values(**line, started_at=now(), finished_at=now())
    return int(connection.execute(statement.returning(Run.id)).scalar_one())
