"""all are old, and have a note."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET status = 'old; done'; -- ;\nALTER TABLE orders ADD COLUMN note text")


def downgrade() -> None:
    op.drop_column("orders", "note")
