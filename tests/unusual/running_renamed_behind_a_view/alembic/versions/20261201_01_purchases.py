"""orders are called purchases."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.rename_table("orders", "purchases")
    op.execute("CREATE VIEW orders AS SELECT * FROM purchases")


def downgrade() -> None:
    op.execute("DROP VIEW orders")
    op.rename_table("purchases", "orders")
