"""then the constraint."""

from alembic import op

revision = "20261201_03"
down_revision = "20261201_02"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD CONSTRAINT orders_unique UNIQUE USING INDEX ux_orders")


def downgrade() -> None:
    op.execute("ALTER TABLE orders DROP CONSTRAINT orders_unique")
    op.create_index("ux_orders", "orders", ["id", "status"], unique=True)
