"""new orders are called open."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("ALTER TYPE order_status RENAME VALUE 'new' TO 'open'")


def downgrade() -> None:
    op.execute("ALTER TYPE order_status RENAME VALUE 'open' TO 'new'")
