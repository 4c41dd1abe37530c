"""all of it."""

import sqlalchemy as sa
from alembic import op

revision = "20261110_01"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("total", sa.Numeric(10, 2), nullable=False),
        sa.Column("status", sa.String(20), server_default="new", nullable=False),
        sa.Column("channel", sa.String(20)),
    )


def downgrade() -> None:
    op.drop_table("orders")
