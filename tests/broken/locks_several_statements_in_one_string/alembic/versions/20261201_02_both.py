"""orders have a note, and are old."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ADD COLUMN note text; UPDATE orders SET status = 'old'")


def downgrade() -> None:
    op.drop_column("orders", "note")
