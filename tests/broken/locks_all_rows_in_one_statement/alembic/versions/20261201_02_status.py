"""all are old."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET status = 'old'")


def downgrade() -> None:
    pass
