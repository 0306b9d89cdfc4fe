"""What taxa were called before a run changed it: kept when it changes, asked as of a version. Knows no rows.

What is known today stands in ``taxon`` and ``taxon_name``; a former label or name stands beside it, with the
run up to which it held. So an answer as of an older version has the names of that version.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    select,
    union_all,
)

from db.models import FormerLabel, FormerName, Taxon, TaxonName

_FORMER, _NOW = FormerLabel.__table__.c, Taxon.__table__.c
_LABEL = [name for name in _FORMER.keys() if name not in ("taxon_id", "until_run", "added_run")]  # noqa: SIM118
_AT_ONCE = 400  # variables of one statement; SQLite allows 999 in its oldest builds


def keep_labels(connection: Connection, taxa: Iterable[int], run_id: int) -> None:
    """Keep what these taxa are called, before a run changes it; what it changes a second time is its own."""
    wanted = sorted(taxa)
    kept = exists().where(FormerLabel.taxon_id == Taxon.id, FormerLabel.until_run == run_id)
    columns = ["taxon_id", "until_run", "added_run", *_LABEL]
    before = (Taxon.id, literal(run_id), Taxon.added_run, *(_NOW[name] for name in _LABEL))
    for start in range(0, len(wanted), _AT_ONCE):
        some = select(*before).where(Taxon.id.in_(wanted[start : start + _AT_ONCE]), ~kept)
        connection.execute(insert(FormerLabel).from_select(columns, some))


def keep_names(connection: Connection, which: Iterable[ColumnElement[bool]], run_id: int) -> None:
    """Keep the names that a run is about to take away: those rows of ``taxon_name`` that meet conditions."""
    columns = ["name_key", "kind", "taxon_id", "name", "since_run", "until_run"]
    before = (getattr(TaxonName, name) for name in columns[:-1])
    gone = select(*before, literal(run_id)).where(*which)
    connection.execute(insert(FormerName).from_select(columns, gone))


def labels_as_of(version: int | None) -> FromClause:
    """``id``, ``name`` and all attributes of every taxon, under the names of ``taxon``; today's for None."""
    if version is None:
        return Taxon.__table__
    changed = select(func.min(FormerLabel.until_run)).where(
        FormerLabel.taxon_id == Taxon.id, FormerLabel.until_run > version
    )
    then = and_(
        FormerLabel.taxon_id == Taxon.id, FormerLabel.until_run == changed.correlate(Taxon).scalar_subquery()
    )
    changed_since = FormerLabel.taxon_id.is_not(None)
    names = (case((changed_since, _FORMER[name]), else_=_NOW[name]).label(name) for name in _LABEL)
    there = case((changed_since, FormerLabel.added_run), else_=Taxon.added_run)
    known = func.coalesce(there, 0) <= version
    joined = select(Taxon.id, *names).join(FormerLabel, then, isouter=True)
    return joined.where(known).subquery()


def names_as_of(version: int | None) -> FromClause:
    """``name_key``, ``kind``, ``taxon_id``, ``name`` of all that is known; today's for None."""
    if version is None:
        return TaxonName.__table__
    now, then = (
        select(table.name_key, table.kind, table.taxon_id, table.name).where(
            func.coalesce(table.since_run, 0) <= version
        )
        for table in (TaxonName, FormerName)
    )
    return union_all(now, then.where(FormerName.until_run > version)).subquery()
