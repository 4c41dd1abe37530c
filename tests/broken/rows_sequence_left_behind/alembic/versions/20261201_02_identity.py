"""keys come from a sequence of their own."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("CREATE SEQUENCE order_numbers OWNED BY orders.id")
    op.execute("ALTER TABLE orders ALTER COLUMN id SET DEFAULT nextval('order_numbers')")


def downgrade() -> None:
    op.execute("ALTER TABLE orders ALTER COLUMN id SET DEFAULT nextval('orders_id_seq')")
    op.execute("DROP SEQUENCE order_numbers")
