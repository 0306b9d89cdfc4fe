"""What a run was told, where it goes on, what it took back; where a restored revision came from."""

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
    with op.batch_alter_table("sighting", recreate="never") as sighting:
        sighting.add_column(sa.Column("origin_run", sa.Integer(), nullable=True))
