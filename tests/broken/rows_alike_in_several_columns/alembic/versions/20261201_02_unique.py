"""email and total are unique together."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_index("orders_key", "orders", ["email", "total"], unique=True)


def downgrade() -> None:
    op.drop_index("orders_key")
