"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def only(rows: str) -> dict[str, Any]:
    """A partial index, in both databases."""
    return {"sqlite_where": sa.text(rows), "postgresql_where": sa.text(rows)}


CHANGED = only("changed")
CURRENT = only("retired_run IS NULL")
RETIRED = only("retired_run IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "feed",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("made_up", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feed")),
        sa.UniqueConstraint("name", name=op.f("uq_feed_name")),
    )
    op.create_table(
        "place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("country_code", sa.Text(), nullable=False),
        sa.Column("state_province", sa.Text(), nullable=False),
        sa.Column("county", sa.Text(), nullable=False),
        sa.Column("locality", sa.Text(), nullable=False),
        sa.Column("location_id", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
    )
    op.create_index(
        "uq_place",
        "place",
        ["country_code", "state_province", "county", "locality", "location_id"],
        unique=True,
    )
    op.create_table(
        "taxon",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("scientific_name", sa.Text(), nullable=True),
        sa.Column("vernacular_name", sa.Text(), nullable=True),
        sa.Column("taxon_rank", sa.Text(), nullable=True),
        sa.Column("kingdom", sa.Text(), nullable=True),
        sa.Column("phylum", sa.Text(), nullable=True),
        sa.Column("class", sa.Text(), nullable=True),
        sa.Column("order", sa.Text(), nullable=True),
        sa.Column("family", sa.Text(), nullable=True),
        sa.Column("genus", sa.Text(), nullable=True),
        sa.Column("species", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_taxon")),
        sa.UniqueConstraint("name_key", name=op.f("uq_taxon_name_key")),
    )
    op.create_index("ix_taxon_scientific_name", "taxon", ["scientific_name"])
    op.create_table(
        "rollup",
        sa.Column("bucket", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("taxon_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("feed_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("records", BIG, nullable=False),
        sa.Column("individuals", sa.Double(), nullable=False),
        sa.Column("uncounted", BIG, nullable=False),
        sa.Column("absences", BIG, nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_rollup_feed_id")),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name=op.f("fk_rollup_taxon_id")),
        sa.PrimaryKeyConstraint("bucket", "taxon_id", "feed_id", name=op.f("pk_rollup")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rollup_taxon", "rollup", ["taxon_id", "bucket"])
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=True),
        sa.Column("input", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("terms", sa.JSON(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("changed", sa.Boolean(), nullable=False),
        sa.Column("read", sa.Integer(), nullable=False),
        sa.Column("inserted", sa.Integer(), nullable=False),
        sa.Column("updated", sa.Integer(), nullable=False),
        sa.Column("duplicate", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Integer(), nullable=False),
        sa.Column("issues", sa.JSON(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=True),
        sa.Column("last_day", sa.Integer(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_run_feed_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_run_changed", "run", ["id"], **CHANGED)
    op.create_index("ix_run_feed", "run", ["feed_id", "id"])
    op.create_table(
        "taxon_name",
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name=op.f("fk_taxon_name_taxon_id")),
        sa.PrimaryKeyConstraint("name_key", "kind", "taxon_id", name=op.f("pk_taxon_name")),
    )
    op.create_index("ix_taxon_name_taxon", "taxon_name", ["taxon_id"])
    op.create_table(
        "reject",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_reject_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_reject")),
    )
    op.create_table(
        "sighting",
        sa.Column("key", BIG, nullable=False),
        sa.Column("feed_id", sa.Integer(), nullable=False),
        sa.Column("occurrence_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("added_run", sa.Integer(), nullable=False),
        sa.Column("retired_run", sa.Integer(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("place_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=True),
        sa.Column("last_day", sa.Integer(), nullable=True),
        sa.Column("time_of_day", sa.Integer(), nullable=True),
        sa.Column("utc_offset", sa.SmallInteger(), nullable=True),
        sa.Column("individual_count", sa.Double(), nullable=True),
        sa.Column("absent", sa.Boolean(), nullable=False),
        sa.Column("basis_of_record", sa.Text(), nullable=True),
        sa.Column("decimal_latitude", sa.Double(), nullable=True),
        sa.Column("decimal_longitude", sa.Double(), nullable=True),
        sa.Column("coordinate_uncertainty", sa.Double(), nullable=True),
        sa.Column("recorded_by", sa.Text(), nullable=True),
        sa.Column("sex", sa.Text(), nullable=True),
        sa.Column("life_stage", sa.Text(), nullable=True),
        sa.Column("issues", sa.Text(), nullable=True),
        sa.Column("geospatial_issue", sa.Boolean(), nullable=False),
        sa.Column("verbatim", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["added_run"], ["run.id"], name=op.f("fk_sighting_added_run")),
        sa.ForeignKeyConstraint(["feed_id"], ["feed.id"], name=op.f("fk_sighting_feed_id")),
        sa.ForeignKeyConstraint(["place_id"], ["place.id"], name=op.f("fk_sighting_place_id")),
        sa.ForeignKeyConstraint(["retired_run"], ["run.id"], name=op.f("fk_sighting_retired_run")),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name=op.f("fk_sighting_taxon_id")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sighting")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sighting_day", "sighting", ["first_day"], **CURRENT)
    op.create_index("ix_sighting_history", "sighting", ["feed_id", "occurrence_id"], **RETIRED)
    op.create_index("ix_sighting_place", "sighting", ["place_id"], **CURRENT)
    op.create_index("ix_sighting_retired", "sighting", ["retired_run"], **RETIRED)
    op.create_index("ix_sighting_taxon", "sighting", ["taxon_id", "first_day"], **CURRENT)
    op.create_index("uq_sighting_current", "sighting", ["feed_id", "occurrence_id"], unique=True, **CURRENT)
    op.create_table(
        "touched",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("taxon_id", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["run.id"], name=op.f("fk_touched_run_id")),
        sa.ForeignKeyConstraint(["taxon_id"], ["taxon.id"], name=op.f("fk_touched_taxon_id")),
        sa.PrimaryKeyConstraint("run_id", "taxon_id", name=op.f("pk_touched")),
    )
    op.create_index("ix_touched_taxon", "touched", ["taxon_id", "run_id"])
