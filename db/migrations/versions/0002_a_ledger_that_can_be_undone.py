"""What a run was told, where it goes on, what it took back or taught; where a restored revision came from.

And what taxa were called before a run changed it, and the counts per hour of the day, per cell of the map and
of all days together, of what is there already.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Apply."""
    with op.batch_alter_table("run", recreate="never") as run:
        run.add_column(sa.Column("skips", sa.JSON(), nullable=False, server_default="{}"))
        run.add_column(sa.Column("restored", sa.Integer(), nullable=False, server_default="0"))
        run.add_column(sa.Column("bytes", BIG, nullable=True))
        run.add_column(sa.Column("options", sa.JSON(), nullable=False, server_default="{}"))
        run.add_column(sa.Column("cursor", sa.JSON(), nullable=True))
        run.add_column(sa.Column("undoes", sa.Integer(), nullable=True))
        run.add_column(sa.Column("replays", sa.Integer(), nullable=True))
        run.add_column(sa.Column("repeats", sa.Integer(), nullable=True))
        run.create_index("ix_run_sha256", ["sha256"])
    op.drop_index("ix_sighting_day", "sighting")
    current = sa.text("retired_run IS NULL")
    op.create_index(
        "ix_sighting_day",
        "sighting",
        ["first_day", "last_day"],
        sqlite_where=current,
        postgresql_where=current,
    )
    restored = sa.text("origin_key IS NOT NULL")
    with op.batch_alter_table("sighting", recreate="never") as sighting:
        sighting.add_column(sa.Column("origin_run", sa.Integer(), nullable=True))
        sighting.add_column(sa.Column("origin_key", BIG, nullable=True))
        sighting.create_index(
            "ix_sighting_origin", ["origin_key"], sqlite_where=restored, postgresql_where=restored
        )
    for table in ("taxon", "taxon_name"):
        with op.batch_alter_table(table, recreate="never") as named:
            named.add_column(sa.Column("added_run", sa.Integer(), nullable=True))
    with op.batch_alter_table("taxon_name", recreate="never") as names:
        names.add_column(sa.Column("since_run", sa.Integer(), nullable=True))
    _new_tables()
    _former_names()
    _count_what_was_not_counted()
    _count_all_taxa()


def _new_tables() -> None:
    op.create_table(
        "running",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("made_up", sa.Boolean(), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_running"),
    )
    op.create_table(
        "lesson",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False, server_default=""),
        sa.Column("forgotten_run", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "taxon_id", "field", "text", name="pk_lesson"),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name="fk_lesson_run_id"),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name="fk_lesson_taxon_id"),
    )
    op.create_index("ix_lesson_forgotten", "lesson", ["forgotten_run"])


def _former_names() -> None:
    op.create_table(
        "former_name",
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("until_run", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("since_run", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("name_key", "kind", "taxon_id", "until_run", name="pk_former_name"),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name="fk_former_name_taxon_id"),
        sa.ForeignKeyConstraint(["until_run"], ["run.id"], name="fk_former_name_until_run"),
    )
    op.create_table(
        "former_label",
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("until_run", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scientific_name", sa.Text(), nullable=True),
        sa.Column("vernacular_name", sa.Text(), nullable=True),
        sa.Column("taxon_rank", sa.Text(), nullable=True),
        *(
            sa.Column(rank, sa.Text(), nullable=True)
            for rank in ("kingdom", "phylum", "class", "order", "family", "genus", "species")
        ),
        sa.Column("added_run", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("taxon_id", "until_run", name="pk_former_label"),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name="fk_former_label_taxon_id"),
        sa.ForeignKeyConstraint(["until_run"], ["run.id"], name="fk_former_label_until_run"),
    )


_HOUR = "first_day / 10000 * 100000 + time_of_day / 3600 % 24"
_CELL = "1000000000 + 3600 * (CASE WHEN {north} >= 1800 THEN 1799 ELSE {north} END) + {east} % 3600"
_NORTH, _EAST = "decimal_latitude * 10.0 + 900.0", "decimal_longitude * 10.0 + 1800.0"
_COUNT = """
    INSERT INTO rollup (bucket, taxon_id, feed_id, records, individuals, uncounted, absences)
    SELECT {bucket} AS of_bucket, taxon_id, feed_id,
        sum(CASE WHEN absent THEN 0 ELSE 1 END),
        sum(CASE WHEN absent THEN 0.0 ELSE coalesce(individual_count, 1.0) END),
        sum(CASE WHEN NOT absent AND individual_count IS NULL THEN 1 ELSE 0 END),
        sum(CASE WHEN absent THEN 1 ELSE 0 END)
    FROM sighting WHERE retired_run IS NULL AND {term}
    GROUP BY of_bucket, taxon_id, feed_id
"""


def _count_what_was_not_counted() -> None:
    # Of a number that is not negative; CAST alone rounds on PostgreSQL.
    cut = "CAST({} AS INTEGER)" if op.get_bind().dialect.name == "sqlite" else "CAST(floor({}) AS INTEGER)"
    cell = _CELL.format(north=cut.format(_NORTH), east=cut.format(_EAST))
    timed = "first_day / 10000 = last_day / 10000 AND time_of_day IS NOT NULL"
    shown = "NOT geospatial_issue AND decimal_latitude IS NOT NULL AND decimal_longitude IS NOT NULL"
    for bucket, term in (("1", "first_day = last_day"), (_HOUR, timed), (cell, shown)):
        op.execute(_COUNT.format(bucket=bucket, term=term))


def _count_all_taxa() -> None:
    counts = [sa.Column(name, BIG, nullable=False) for name in ("uncounted", "absences")]
    op.create_table(
        "rollup_of_all",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("feed_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("records", BIG, nullable=False),
        sa.Column("individuals", sa.Double(), nullable=False),
        *counts,
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name="fk_rollup_of_all_feed_id"),
        sa.PrimaryKeyConstraint("bucket", "feed_id", name="pk_rollup_of_all"),
        sqlite_with_rowid=False,
    )
    op.execute(
        "INSERT INTO rollup_of_all (bucket, feed_id, records, individuals, uncounted, absences)"
        " SELECT bucket, feed_id, sum(records), sum(individuals), sum(uncounted), sum(absences)"
        " FROM rollup GROUP BY bucket, feed_id"
    )
