"""totals are positive."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total >= total) NOT VALID")


def downgrade() -> None:
    op.drop_constraint("orders_total_positive", "orders")
