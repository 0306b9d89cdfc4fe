"""The schema: what the migrations make is what the models say, on both databases."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import requests
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text

from db import schema
from db.engine import open_writer
from db.models import Base
from db.rollups import wrong_rollups
from tests.files import here
from tests.killed import OTHER_POINTS
from tests.test_end_to_end import serving
from tests.test_kill import killed


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


def test_postgresql_counts_beyond_two_thousand_million(bare_postgresql: str) -> None:
    writer = open_writer(bare_postgresql)
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


def test_what_is_there_already_is_counted_by_day_hour_and_cell(bare_url: str) -> None:
    writer = open_writer(bare_url)
    settings = schema._settings()
    with writer.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
        for statement in _AS_IT_WAS:
            connection.execute(text(statement))
    schema.upgrade(writer)
    with writer.begin() as connection:
        assert wrong_rollups(connection) == []
        counted = "SELECT bucket, records, individuals FROM rollup WHERE bucket = 1 OR bucket >= 100000000"
        assert list(map(tuple, connection.execute(text(f"{counted} ORDER BY bucket")))) == [
            (1, 1, 3.0),
            (202400017, 1, 3.0),
            (1000000000 + 3600 * 649 + 1907, 1, 3.0),
            (1000000000 + 3600 * 1799, 1, 1.0),
        ]


_SIGHTING = (
    "INSERT INTO sighting (feed_id, occurrence_id, fingerprint, added_run, retired_run, line, taxon_id,"
    " place_id, first_day, last_day, time_of_day, individual_count, absent, decimal_latitude,"
    " decimal_longitude, geospatial_issue, verbatim) VALUES (1, '{}', '1', 1, {}, 2, 1, 1, {}, '')"
)
_AS_IT_WAS = (
    "INSERT INTO feed (id, name, made_up) VALUES (1, 'north', false)",
    (
        "INSERT INTO run (id, input, format, columns, terms, started_at, finished_at, status, changed, read,"
        " inserted, updated, duplicate, rejected, skipped, removed, issues, message)"
        " VALUES (1, '', '', '[]', '[]', '', '', 'committed', true, 3, 2, 0, 0, 0, 0, 0, '{}', '')"
    ),
    "INSERT INTO taxon (id, name_key, name) VALUES (1, 'lynx', 'Lynx')",
    (
        "INSERT INTO place (id, country_code, state_province, county, locality, location_id)"
        " VALUES (1, '', '', '', '', '')"
    ),
    _SIGHTING.format("a", "NULL", "20240517, 20240517, 61200, 3, false, -25.1, 10.7, false"),
    _SIGHTING.format("b", "NULL", "NULL, NULL, 61200, NULL, false, 90, 180, false"),
    _SIGHTING.format("c", "1", "20240517, 20240517, 61200, 3, false, 59.9, 10.7, false"),
    _SIGHTING.format("d", "NULL", "NULL, NULL, NULL, NULL, false, 59.9, 10.7, true"),
    (
        "INSERT INTO rollup (bucket, taxon_id, feed_id, records, individuals, uncounted, absences)"
        " VALUES (0, 1, 1, 3, 5, 2, 0), (2024, 1, 1, 1, 3, 0, 0), (202405, 1, 1, 1, 3, 0, 0),"
        " (2024020, 1, 1, 1, 3, 0, 0), (20240517, 1, 1, 1, 3, 0, 0)"
    ),
)
"""Of a database that an older version has filled: two records that count, one retired, one off the map."""


def test_two_that_upgrade_an_empty_database_at_once_both_succeed(bare_url: str) -> None:
    failures = []
    barrier = threading.Barrier(2)

    def upgrade() -> None:
        writer = open_writer(bare_url)
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
    assert schema.revision(open_writer(bare_url)) == schema.head()


def test_a_database_of_a_newer_sightings_is_refused_in_one_sentence(
    sqlite_writer: Engine, home: Path
) -> None:
    with sqlite_writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(schema.UnknownSchema, match="9999"):
        schema.upgrade(sqlite_writer)
    for words in (("status",), ("serve", "--port", "0"), ("ingest", "a.csv"), ("db", "upgrade")):
        done = here(home, *words)
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
        assert "9999" in done.stderr


_STEPS = [point for point in OTHER_POINTS if "upgrade" in point]


@pytest.mark.parametrize(
    ("point", "filled"),
    [*((step, False) for step in _STEPS), *((step, True) for step in _STEPS if "second" not in step)],
)
def test_an_upgrade_that_is_killed_leaves_what_was_there_and_the_next_one_completes_it(
    home: Path, point: str, filled: bool
) -> None:
    """An empty database has two steps to go, one that an older version has filled has one."""
    writer = open_writer(f"sqlite:///{home / 'sightings.db'}")
    if filled:
        settings = schema._settings()
        with writer.begin() as connection:
            settings.attributes["connection"] = connection
            command.upgrade(settings, "0001")
            for statement in _AS_IT_WAS:
                connection.execute(text(statement))
    killed(home, point, "db", "upgrade")
    assert schema.revision(writer) == ("0001" if filled else None)
    done = here(home, "db", "upgrade")
    assert (done.returncode, done.stderr) == (0, "")
    assert schema.revision(writer) == schema.head()
    with writer.begin() as connection:
        assert wrong_rollups(connection) == []
        counted = connection.execute(text("SELECT count(*) FROM sighting")).scalar_one()
        assert counted == (4 if filled else 0)


def test_a_server_brings_an_older_database_up_before_it_answers(home: Path) -> None:
    writer = open_writer(f"sqlite:///{home / 'sightings.db'}")
    settings = schema._settings()
    with writer.begin() as connection:
        settings.attributes["connection"] = connection
        command.upgrade(settings, "0001")
    with serving(home, "--workers", "1", "--no-scheduler", "--no-warm-up") as (_, address):
        assert requests.get(f"{address}/readyz", timeout=30).status_code == 200
    assert schema.revision(writer) == schema.head()
