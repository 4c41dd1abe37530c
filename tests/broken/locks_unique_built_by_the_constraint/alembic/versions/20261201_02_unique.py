"""numbers are unique."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_unique_constraint("orders_id_status", "orders", ["id", "status"])


def downgrade() -> None:
    op.drop_constraint("orders_id_status", "orders")
