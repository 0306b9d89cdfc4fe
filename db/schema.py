"""Bringing a database to the schema of this code, and telling whether it is there; knows no rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from db.engine import LOOK, open_reader

if TYPE_CHECKING:
    from alembic.config import Config

# Alembic is imported where a migration is really run: every command looks here first, and most find it done.


class UnknownSchema(Exception):
    """The database stands at a migration that this code does not know; the message says what to do."""


_MIGRATIONS = Path(__file__).with_name("migrations")
_ADVISORY_KEY = 7_344_202_612


def upgrade(writer: Engine) -> None:
    """Run the migrations that this database lacks, in one transaction. UnknownSchema for a newer one."""
    standing = revision(writer)
    if standing == head():
        return
    if standing is not None and standing not in known():
        raise UnknownSchema(
            f"The database stands at schema {standing}, which this Sightings does not know: use a newer one."
        )
    from alembic import command

    settings = _settings()
    with writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            # SQLite's BEGIN IMMEDIATE does the same: of two that start at once, the second finds it done.
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def stands(url: str) -> bool:
    """Whether a database is there and at the newest schema; found out without the right to write."""
    reader = open_reader(url)
    try:
        return revision(reader) == head()
    except SQLAlchemyError:
        return False
    finally:
        reader.dispose()


def revision(engine: Engine) -> str | None:
    """The migration that the database stands at; None for an empty one."""
    with engine.connect().execution_options(**LOOK) as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def head() -> str:
    """The migration that this code wants."""
    return max(known())


def known() -> set[str]:
    """Every migration by its number, which its file begins with."""
    return {file.name.partition("_")[0] for file in (_MIGRATIONS / "versions").glob("[0-9]*_*.py")}


def _settings() -> Config:
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return settings
