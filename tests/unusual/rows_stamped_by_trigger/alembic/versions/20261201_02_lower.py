"""emails in lower case."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET email = lower(email)")


def downgrade() -> None:
    pass
