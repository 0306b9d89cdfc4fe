"""What runs taught of taxa, to be forgotten when they are undone and known again when that is; knows no rows.

A name belongs to the run that taught it (``taxon_name.added_run``), an attribute to the run that brought the
taxon, or to that of its lesson. What another run that stands may have said as well is kept.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import InstrumentedAttribute

from db.former import keep_labels, keep_names
from db.models import Lesson, Sighting, Taxon, TaxonName
from db.names import ATTRIBUTES

_Key = InstrumentedAttribute[int]
_LESSON = ["run_id", "taxon_id", "field", "text", "language", "forgotten_run"]


def forget(connection: Connection, run_id: int, by: int) -> set[int]:
    """Forget what a run taught, once its rows are retired; returns the taxa that may now read otherwise."""
    lone = select(Taxon.id).where(Taxon.added_run == run_id, ~_recorded(Taxon.id))
    changed = set(connection.execute(lone).scalars())
    taught = select(TaxonName.taxon_id).where(
        TaxonName.added_run == run_id, ~_said_since(TaxonName.taxon_id, run_id)
    )
    changed |= set(connection.execute(taught).scalars())
    filled_in = select(Lesson.taxon_id).where(Lesson.run_id == run_id, Lesson.forgotten_run.is_(None))
    keep_labels(connection, changed.union(connection.execute(filled_in).scalars()), by)
    _forget_names(connection, run_id, by)
    for name in ATTRIBUTES:
        changed |= _forget_attribute(connection, name, lone, run_id, by)
    return changed


def _recorded(taxon: _Key, *which: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(Sighting.taxon_id == taxon, Sighting.retired_run.is_(None), *which)


def _said_since(taxon: _Key, run_id: int) -> ColumnElement[bool]:
    """Whether a later run has current rows of the taxon, which may say the same."""
    return _recorded(taxon, func.coalesce(Sighting.origin_run, Sighting.added_run) > run_id)


def _forget_names(connection: Connection, run_id: int, by: int) -> set[int]:
    gone = (TaxonName.added_run == run_id, ~_said_since(TaxonName.taxon_id, run_id))
    rows = select(
        TaxonName.added_run,
        TaxonName.taxon_id,
        TaxonName.kind,
        TaxonName.name,
        TaxonName.language,
        literal(by),
    )
    connection.execute(insert(Lesson).from_select(_LESSON, rows.where(*gone)))
    keep_names(connection, gone, by)
    taxa = set(connection.execute(select(TaxonName.taxon_id).where(*gone)).scalars())
    connection.execute(delete(TaxonName).where(*gone))
    return taxa


def _forget_attribute(connection: Connection, name: str, lone: Select[int], run_id: int, by: int) -> set[int]:
    column = Taxon.__table__.c[name]
    brought = (Taxon.id.in_(lone), column.is_not(None))
    rows = select(literal(run_id), Taxon.id, literal(name), column, literal(""), literal(by))
    connection.execute(insert(Lesson).from_select(_LESSON, rows.where(*brought)))
    filled_in = (
        Lesson.run_id == run_id,
        Lesson.field == name,
        Lesson.forgotten_run.is_(None),
        ~_said_since(Lesson.taxon_id, run_id),
    )
    connection.execute(update(Lesson).where(*filled_in).values(forgotten_run=by))
    forgotten = select(Lesson.taxon_id).where(Lesson.forgotten_run == by, Lesson.field == name)
    taxa = set(connection.execute(forgotten).scalars())
    empty = update(Taxon).where(Taxon.id.in_(forgotten)).values({column: None})
    connection.execute(empty)
    return taxa


def remember(connection: Connection, undo: int, by: int) -> set[int]:
    """Know again what an undo made forgotten; returns the taxa that may now read otherwise."""
    mine = Lesson.forgotten_run == undo
    rows = list(connection.execute(select(Lesson.__table__).where(mine)))
    keep_labels(connection, {row.taxon_id for row in rows}, by)
    for row in rows:
        # Another run may have brought the same taxon meanwhile: it belongs to the earlier one.
        earlier = update(Taxon).where(Taxon.id == row.taxon_id, Taxon.added_run > row.run_id)
        connection.execute(earlier.values(added_run=row.run_id))
        if row.field in ATTRIBUTES:
            column = Taxon.__table__.c[row.field]
            again = update(Taxon).where(Taxon.id == row.taxon_id, column.is_(None))
            connection.execute(again.values({column: row.text}))
        else:
            _remember_name(connection, row, by)
    brought = exists().where(Taxon.id == Lesson.taxon_id, Taxon.added_run == Lesson.run_id)
    connection.execute(delete(Lesson).where(mine, or_(brought, Lesson.field.not_in(ATTRIBUTES))))
    connection.execute(update(Lesson).where(mine).values(forgotten_run=None))
    return {row.taxon_id for row in rows}


def _remember_name(connection: Connection, row: Row[*tuple[Any, ...]], by: int) -> None:
    key = {"name_key": row.text.casefold(), "kind": row.field, "taxon_id": row.taxon_id}
    of_key = [getattr(TaxonName, name) == value for name, value in key.items()]
    known = connection.execute(update(TaxonName).where(*of_key).values(added_run=row.run_id))
    if not known.rowcount:
        name = {"name": row.text, "language": row.language, "added_run": row.run_id, "since_run": by}
        connection.execute(insert(TaxonName).values(**key, **name))
