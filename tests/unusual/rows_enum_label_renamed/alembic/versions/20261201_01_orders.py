"""the orders."""

from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE order_status AS ENUM ('new', 'done')")
    op.execute("CREATE TABLE orders (id serial PRIMARY KEY, status order_status NOT NULL DEFAULT 'new', before order_status[])")


def downgrade() -> None:
    op.drop_table("orders")
    op.execute("DROP TYPE order_status")
