"""email is required."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET email = 'unknown' WHERE status = 'new' AND email IS NULL")
    op.alter_column("orders", "email", nullable=False)


def downgrade() -> None:
    op.alter_column("orders", "email", nullable=True)
