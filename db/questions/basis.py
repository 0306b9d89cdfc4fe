"""What an answer rests on beside its filters: the run behind its version, the feeds; knows no cache."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from db.filters import Scope
from db.models import FOREVER, Run, Touched
from db.questions.summary import Source, sources


@dataclass(frozen=True)
class Basis:
    """Together with the scope it tells whether an answer can be another: equal ones mean the same answer."""

    ingested_at: str | None
    """When the run behind the scope's version ended."""
    run: str
    """That run's input. A database that was restored may give a number a second time, to other data."""
    sources: tuple[Source, ...]
    names: int
    """For an older version: the last run that may have changed a name in the scope."""
    seen_at: str | None
    """For an older version: when it was the newest; the day that counts as today in it."""


def basis(connection: Connection, scope: Scope) -> Basis:
    """The basis of the scope, to be read in the transaction that the scope was read in."""
    behind = select(Run.finished_at, Run.input, Run.sha256, Run.read).where(Run.id == scope.version)
    row = connection.execute(behind).first()
    run = "" if row is None else f"{row.input} {row.sha256} {row.read}"
    ingested_at, feeds = row.finished_at if row else None, tuple(sources(connection, scope))
    if scope.as_of is None:
        return Basis(ingested_at, run, feeds, 0, None)
    newest = select(func.max(Run.id)).where(Run.id <= scope.as_of).scalar_subquery()
    seen_at = connection.execute(select(Run.finished_at).where(Run.id == newest)).scalar()
    return Basis(ingested_at, run, feeds, _names(connection, scope), seen_at)


def _names(connection: Connection, scope: Scope) -> int:
    """Names are as known today even where the records are those of an older version."""
    learned = select(func.coalesce(func.max(Touched.run_id), 0)).where(
        Touched.first_day == 0, Touched.last_day == FOREVER
    )
    if scope.taxa is not None:
        learned = learned.where(Touched.taxon_id.in_(scope.taxa))
    return int(connection.execute(learned).scalar_one())
