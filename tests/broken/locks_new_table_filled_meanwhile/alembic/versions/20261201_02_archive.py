"""an archive."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_table("archive", sa.Column("id", sa.Integer, primary_key=True), sa.Column("total", sa.Numeric(10, 2)))
    op.execute("INSERT INTO archive SELECT id, total FROM orders")


def downgrade() -> None:
    op.drop_table("archive")
