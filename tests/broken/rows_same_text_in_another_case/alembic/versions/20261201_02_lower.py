"""email is unique in any case."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("CREATE UNIQUE INDEX orders_email_lower ON orders (lower(email)) WHERE status <> 'none'")
    op.execute("UPDATE orders SET email = email WHERE status = 'none'")


def downgrade() -> None:
    op.execute("DROP INDEX orders_email_lower")
