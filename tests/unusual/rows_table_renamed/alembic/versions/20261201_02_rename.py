"""orders are called purchases."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.rename_table("orders", "purchases")


def downgrade() -> None:
    op.rename_table("purchases", "orders")
