"""Bringing a database to the schema of this code, and telling whether it is there; knows no rows."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, select

from db.engine import LOOK


class UnknownSchema(Exception):
    """The database stands at a migration that this code does not know; the message says what to do."""


_MIGRATIONS = Path(__file__).with_name("migrations")
_ADVISORY_KEY = 7_344_202_612


def upgrade(writer: Engine) -> None:
    """Run the migrations that this database lacks, in one transaction. UnknownSchema for a newer one."""
    settings = _settings()
    standing = revision(writer)
    if standing == head():
        return
    known = {script.revision for script in ScriptDirectory.from_config(settings).walk_revisions()}
    if standing is not None and standing not in known:
        raise UnknownSchema(
            f"The database stands at schema {standing}, which this Sightings does not know: use a newer one."
        )
    with writer.begin() as connection:
        if connection.dialect.name == "postgresql":
            # SQLite's BEGIN IMMEDIATE does the same: of two that start at once, the second finds it done.
            connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_KEY)))
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


def revision(engine: Engine) -> str | None:
    """The migration that the database stands at; None for an empty one."""
    with engine.connect().execution_options(**LOOK) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head() -> str:
    """The migration that this code wants."""
    return str(ScriptDirectory.from_config(_settings()).get_current_head())


def _settings() -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return settings
