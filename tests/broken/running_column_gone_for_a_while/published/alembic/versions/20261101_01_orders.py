"""the orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261101_01"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False, unique=True),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"), nullable=False),
        sa.Column("email", sa.String(100)),
        sa.Column("total", sa.Integer, nullable=False),
        sa.Column("legacy", sa.Text),
    )


def downgrade() -> None:
    op.drop_table("orders")
    op.drop_table("customers")
