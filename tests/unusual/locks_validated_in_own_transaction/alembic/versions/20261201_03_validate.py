"""all totals are."""

from alembic import op

revision = "20261201_03"
down_revision = "20261201_02"


def upgrade() -> None:
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT orders_total_positive")


def downgrade() -> None:
    op.drop_constraint("orders_total_positive", "orders")
    op.execute("ALTER TABLE orders ADD CONSTRAINT orders_total_positive CHECK (total >= total) NOT VALID")
