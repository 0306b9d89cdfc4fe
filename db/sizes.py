"""How much the database takes up; knows no tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection


@dataclass(frozen=True)
class Sizes:
    """Both in bytes; the log is SQLite's (WAL), and None where there is none to look after."""

    database: int
    log: int | None


def sizes(connection: Connection) -> Sizes:
    """What the database of this connection takes up now."""
    if connection.dialect.name != "sqlite":
        asked = connection.exec_driver_sql("SELECT pg_database_size(current_database())")
        return Sizes(int(asked.scalar_one()), None)
    path = str(connection.exec_driver_sql("PRAGMA database_list").one()[2])
    return Sizes(_length(Path(path)), _length(Path(f"{path}-wal")))


def _length(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
