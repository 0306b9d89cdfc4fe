"""The schema: what the migrations make is what the models say, on both databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from db import schema
from db.engine import open_writer
from db.models import Base
from tests.files import manage


def test_the_migrations_make_what_the_models_say(writer: Engine) -> None:
    with writer.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_every_index_and_constraint_has_the_name_that_the_models_give_it(writer: Engine) -> None:
    inspector = inspect(writer)
    for table in Base.metadata.sorted_tables:
        wanted = {index.name for index in table.indexes}
        found = {index["name"] for index in inspector.get_indexes(table.name)}
        assert found - {f"uq_{table.name}_{name}" for name in ("name", "name_key")} == wanted
        assert inspector.get_pk_constraint(table.name)["name"] in (f"pk_{table.name}", None)
        assert {key["name"] for key in inspector.get_foreign_keys(table.name)} == {
            f"fk_{table.name}_{key.parent.name}" for key in table.foreign_keys
        }


def test_sqlite_never_gives_an_id_twice_and_keeps_rollups_in_their_key(sqlite_writer: Engine) -> None:
    with sqlite_writer.begin() as connection:
        made = dict(
            map(tuple, connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'table'")))
        )
    assert "id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT" in made["run"]
    assert "KEY AUTOINCREMENT" in made["sighting"]
    assert "WITHOUT ROWID" in made["rollup"]


def test_postgresql_counts_beyond_two_thousand_million(postgresql_database: str) -> None:
    writer = open_writer(postgresql_database)
    schema.upgrade(writer)
    types = {
        (table, column["name"]): str(column["type"])
        for table in ("sighting", "rollup")
        for column in inspect(writer).get_columns(table)
    }
    assert types["sighting", "key"] == types["rollup", "records"] == types["rollup", "absences"] == "BIGINT"


def test_the_newest_file_is_the_head_that_alembic_finds() -> None:
    assert ScriptDirectory.from_config(schema._settings()).get_current_head() == schema.head()


def test_a_second_upgrade_changes_nothing(writer: Engine) -> None:
    schema.upgrade(writer)
    assert schema.revision(writer) == schema.head()


def test_two_that_upgrade_an_empty_database_at_once_both_succeed(database_url: str) -> None:
    failures = []
    barrier = threading.Barrier(2)

    def upgrade() -> None:
        writer = open_writer(database_url)
        barrier.wait()
        try:
            schema.upgrade(writer)
        except Exception as error:  # noqa: BLE001 - a thread's failure is to be seen by the test
            failures.append(error)

    threads = [threading.Thread(target=upgrade) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert schema.revision(open_writer(database_url)) == schema.head()


def test_a_database_of_a_newer_sightings_is_refused_in_one_sentence(
    sqlite_writer: Engine, home: Path
) -> None:
    with sqlite_writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.UnknownSchema, match="9999"):
        schema.upgrade(sqlite_writer)
    done = manage(home, "status")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "9999" in done.stderr
