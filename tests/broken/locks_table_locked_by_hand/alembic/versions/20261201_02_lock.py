"""one status only."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("LOCK TABLE orders IN EXCLUSIVE MODE")
    op.execute("SELECT max(total) FROM orders")


def downgrade() -> None:
    pass
