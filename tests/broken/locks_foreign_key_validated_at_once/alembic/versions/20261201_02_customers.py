"""orders have customers."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_foreign_key("orders_customer", "orders", "customers", ["customer_id"], ["id"])


def downgrade() -> None:
    op.drop_constraint("orders_customer", "orders")
