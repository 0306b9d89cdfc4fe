"""What a run was told, where it goes on, what it took back or taught; where a restored revision came from."""

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
    _new_tables()


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
