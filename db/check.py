"""Looking for damage in a database; repairs nothing."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, text

from db.models import Run, Sighting
from db.rollups import wrong_rollups


def damage(connection: Connection) -> list[str]:
    """One sentence for each thing that is wrong: pages, references, rollups, accounting. Empty is well."""
    found = []
    if connection.dialect.name == "sqlite":
        found += [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check")) if row[0] != "ok"]
        broken = connection.execute(text("PRAGMA foreign_key_check"))
        found += [f"{row[0]} refers to a missing {row[2]}" for row in broken]
    found += wrong_rollups(connection)
    sums = Run.inserted + Run.updated + Run.duplicate + Run.rejected + Run.skipped
    wrong = connection.execute(select(Run.id).where(Run.read != sums)).scalars()
    found += [f"run {run} does not add up" for run in wrong]
    written = func.sum(Run.inserted + Run.updated + Run.restored)
    added = connection.execute(select(func.coalesce(written, 0))).scalar_one()
    rows = connection.execute(select(func.count()).select_from(Sighting)).scalar_one()
    if added != rows:
        found.append(f"the ledger added {added} revisions, the table holds {rows}")
    return found
