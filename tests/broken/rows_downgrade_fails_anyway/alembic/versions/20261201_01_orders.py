"""the orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text), sa.Column("label", sa.String(100)))


def downgrade() -> None:
    op.drop_table("orders")
