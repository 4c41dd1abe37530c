"""an archive."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_table("archive", sa.Column("id", sa.Integer, primary_key=True), sa.Column("total", sa.Numeric(10, 2)))
    op.execute("INSERT INTO archive SELECT id, total FROM orders")
    op.create_index("ix_archive_total", "archive", ["total"])
    op.alter_column("archive", "total", existing_type=sa.Numeric(10, 2), nullable=False)


def downgrade() -> None:
    op.drop_table("archive")
