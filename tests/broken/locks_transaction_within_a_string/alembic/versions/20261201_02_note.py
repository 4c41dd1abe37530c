"""orders have a note."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("BEGIN; ALTER TABLE orders ADD COLUMN note text; COMMIT;")


def downgrade() -> None:
    op.drop_column("orders", "note")
