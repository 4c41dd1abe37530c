"""first orders."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("INSERT INTO orders (email, total) VALUES ('first', 1), ('second', 2)")


def downgrade() -> None:
    op.execute("DELETE FROM orders WHERE email IN ('first', 'second')")
