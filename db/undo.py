"""Taking a run back, as one more run: what it added is retired, what it retired comes back; knows no files.

An undo can be taken back by the same rule. Nothing is deleted: "as it was at version N" can still be asked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, func, literal, or_, select, true, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import aliased

from db.filters import data_version
from db.keys import first_key
from db.lessons import forget, remember
from db.lock import only_ingester
from db.models import Feed, Run, Sighting
from db.stop import may_stop
from db.store import Input, begin_run


class CannotUndo(ValueError):
    """A run cannot be taken back; the message is one sentence that says why and what to do."""


@dataclass(frozen=True)
class Undone:
    """What taking a run back did, or would do."""

    run: int | None
    """The run that it was; None where nothing was done."""
    undoes: int
    feed: str
    input: str
    status: str
    removed: int
    restored: int
    data_version: int
    met_by: tuple[int, ...] = ()
    """Later runs of the feed that met records which were there: some may be what was taken back."""

    def as_json(self) -> dict[str, Any]:
        """For a command that answers in JSON."""
        names = ("run", "undoes", "feed", "input", "status", "removed", "restored")
        more = {"dataVersion": self.data_version, "metBy": list(self.met_by)}
        return {name: getattr(self, name) for name in names} | more


def undo(writer: Engine, run_id: int, dry_run: bool = False) -> Undone:
    """Take a run back in one transaction. Raises CannotUndo; db.lock.Locked where another ingester runs."""
    with only_ingester(writer), writer.connect() as connection:
        before = data_version(connection)
        connection.rollback()
        with connection.begin() as transaction:
            with may_stop():
                done = _undo(connection, run_id)
            if dry_run:
                transaction.rollback()
    return replace(done, run=None, data_version=before) if dry_run else done


def _undo(connection: Connection, run_id: int) -> Undone:
    wrong = _refusable(connection, run_id)
    feed = connection.execute(select(Feed).where(Feed.id == wrong.feed_id)).one()
    _refuse_if_built_upon(connection, run_id)
    what = Input(wrong.input, feed.name, "undo", made_up=feed.made_up, undoes=run_id)
    with begin_run(connection, what) as run:
        run.tally.removed = _retire(connection, run_id, run.run_id)
        run.tally.restored = _bring_back(connection, run_id, run.run_id)
        chain = _chain(connection, run_id)
        if len(chain) % 2:  # a run of its own, or one that an undo of its undo has brought again
            run.taxa.changed |= forget(connection, chain[-1], run.run_id)
        else:
            run.taxa.changed |= remember(connection, run_id, run.run_id)
        status = run.announce(f"run {run_id} was taken back")
    _flip(connection, run_id)
    tally = run.tally
    version = data_version(connection)
    counts = (status, tally.removed, tally.restored, version, _met_by(connection, wrong))
    return Undone(run.run_id, run_id, feed.name, wrong.input, *counts)


def _met_by(connection: Connection, wrong: Row[*tuple[Any, ...]]) -> tuple[int, ...]:
    met = select(Run.id).where(Run.feed_id == wrong.feed_id, Run.id > wrong.id, Run.duplicate > 0)
    met = met.where(Run.status.in_(("committed", "unchanged")), Run.repeats.is_(None)).order_by(Run.id)
    return tuple(connection.execute(met).scalars())


def _refusable(connection: Connection, run_id: int) -> Row[*tuple[Any, ...]]:
    """The ledger line of a run that changed something and stands. Raises CannotUndo."""
    found = connection.execute(select(Run.__table__).where(Run.id == run_id)).first()
    if found is None:
        raise CannotUndo(f"There is no run {run_id}.")
    if found.status == "undone":
        by = select(func.max(Run.id)).where(Run.undoes == run_id, Run.status != "undone")
        raise CannotUndo(f"Run {run_id} was taken back already, by run {connection.execute(by).scalar()}.")
    if found.status != "committed":
        raise CannotUndo(f"Run {run_id} is {found.status}: it changed nothing that could be taken back.")
    return found


def _refuse_if_built_upon(connection: Connection, run_id: int) -> None:
    """Raises CannotUndo where a later run has changed what this one brought, and still stands."""
    current = aliased(Sighting)
    same_record = and_(
        current.feed_id == Sighting.feed_id,
        current.occurrence_id == Sighting.occurrence_id,
        current.retired_run.is_(None),
    )
    asked = (
        select(Run.id, Run.status, current.added_run)
        .select_from(Sighting)
        .join(Run, Run.id == Sighting.retired_run)
        .join(current, same_record, isouter=True)
        .where(*_brought(connection, run_id), Sighting.retired_run != run_id)
        .where(or_(current.key.is_(None), _revision(current) != _revision(Sighting)))
        .distinct()
    )
    rows = connection.execute(asked).all()
    later = {row.id if row.status != "undone" or row.added_run is None else row.added_run for row in rows}
    if later:
        runs = ("run " if len(later) == 1 else "runs ") + ", ".join(map(str, sorted(later, reverse=True)))
        raise CannotUndo(
            f"Run {run_id} cannot be taken back, because {runs} has changed rows of it since:"
            f" undo {runs} first."
        )


def _revision(row: Any) -> ColumnElement[int]:
    """What stays the same however often a revision is taken back and brought again."""
    return func.coalesce(row.origin_key, row.key)


def _brought(connection: Connection, run_id: int) -> tuple[ColumnElement[bool], ...]:
    """Conditions for the revisions that a run added."""
    return Sighting.key.between(*_keys_of(connection, run_id)), Sighting.added_run == run_id


def _keys_of(connection: Connection, run_id: int) -> tuple[int, int]:
    """Between which keys the revisions lie that a run added: one run after the other adds to the end."""
    return first_key(connection, run_id), first_key(connection, run_id + 1) - 1


def _retire(connection: Connection, wrong: int, by: int) -> int:
    """Retire what a run brought, also where it was corrected since and an undo of that brought it again."""
    brought, current = _brought(connection, wrong), Sighting.retired_run.is_(None)
    since = select(_revision(Sighting)).where(*brought, Sighting.retired_run.is_not(None))
    again = and_(Sighting.origin_key.is_not(None), Sighting.origin_key.in_(since))
    retired = 0
    for part in (and_(*brought), again):
        retire = update(Sighting).where(part, current).values(retired_run=by)
        retired += int(connection.execute(retire).rowcount)
    return retired


_REPEATED = [
    column.name
    for column in Sighting.__table__.c
    if column.name not in ("key", "added_run", "retired_run", "origin_run", "origin_key")
]


def _bring_back(connection: Connection, wrong: int, by: int) -> int:
    """Add the revisions anew that a run retired, where their record has no current one."""
    again = (
        select(
            literal(by),
            func.coalesce(Sighting.origin_run, Sighting.added_run),
            _revision(Sighting),
            *(Sighting.__table__.c[name] for name in _REPEATED),
        )
        .where(Sighting.retired_run == wrong, Sighting.added_run != wrong, true())
        .order_by(Sighting.key)
    )
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    names = ["added_run", "origin_run", "origin_key", *_REPEATED]
    statement = dialect.insert(Sighting).from_select(names, again)
    skip = statement.on_conflict_do_nothing(
        index_elements=["feed_id", "occurrence_id"], index_where=Sighting.retired_run.is_(None)
    )
    return int(connection.execute(skip, execution_options={"preserve_rowcount": True}).rowcount)


def _chain(connection: Connection, run_id: int) -> list[int]:
    """A run, the run that it undoes, the run that this one undoes, and so on."""
    chain = [run_id]
    while (earlier := connection.execute(select(Run.undoes).where(Run.id == chain[-1])).scalar()) is not None:
        chain.append(earlier)
    return chain


def _flip(connection: Connection, run_id: int) -> None:
    """The run is undone; if it was an undo itself, then what that took back stands again, and so on."""
    for depth, run in enumerate(_chain(connection, run_id)):
        status = "committed" if depth % 2 else "undone"
        connection.execute(update(Run).where(Run.id == run).values(status=status))
