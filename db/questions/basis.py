"""What an answer rests on beside its filters: the run behind its version, the feeds; knows no cache."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from db.filters import Scope
from db.models import Run
from db.questions.summary import Source, sources


@dataclass(frozen=True)
class Basis:
    """Together with the scope it tells whether an answer can be another: equal ones mean the same answer."""

    ingested_at: str | None
    """When the run behind the scope's version ended."""
    run: str
    """That run's input. A database that was restored may give a number a second time, to other data."""
    sources: tuple[Source, ...]
    made_at: str | None
    """Where a data version is asked for, when it was made: the day that counts as today in it."""


def basis(connection: Connection, scope: Scope, feeds_told: bool = True) -> Basis:
    """The basis of the scope, to be read in the transaction that the scope was read in.

    Which feeds it draws on may take long to find out; an answer that does not tell them can do without.
    """
    behind = select(Run.finished_at, Run.input, Run.sha256, Run.read).where(Run.id == scope.version)
    row = connection.execute(behind).first()
    run = "" if row is None else f"{row.input} {row.sha256} {row.read}"
    ingested_at = row.finished_at if row else None
    feeds = tuple(sources(connection, scope)) if feeds_told else ()
    if scope.as_of is None:
        return Basis(ingested_at, run, feeds, None)
    made_at = connection.execute(select(Run.finished_at).where(Run.id == scope.as_of)).scalar()
    return Basis(ingested_at, run, feeds, made_at)
