"""orders by mail."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_index("ix_customers_name", "customers", ["name"])
    op.create_index("ix_orders_email", "orders", ["email"])


def downgrade() -> None:
    op.drop_index("ix_orders_email")
    op.drop_index("ix_customers_name")
