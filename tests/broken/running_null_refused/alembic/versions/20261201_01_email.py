"""email is required."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET email = '' WHERE email IS NULL")
    op.alter_column("orders", "email", nullable=False)


def downgrade() -> None:
    op.alter_column("orders", "email", nullable=True)
