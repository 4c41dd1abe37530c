"""totals are positive."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_check_constraint("orders_total_positive", "orders", "total > 0")


def downgrade() -> None:
    op.drop_constraint("orders_total_positive", "orders")
