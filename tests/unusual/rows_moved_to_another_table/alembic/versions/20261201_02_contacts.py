"""emails move."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_table("contacts", sa.Column("order_id", sa.Integer, sa.ForeignKey("orders.id"), primary_key=True), sa.Column("email", sa.String(100)))
    op.execute("INSERT INTO contacts (order_id, email) SELECT id, email FROM orders")
    op.drop_column("orders", "email")


def downgrade() -> None:
    op.add_column("orders", sa.Column("email", sa.String(100)))
    op.execute("UPDATE orders SET email = contacts.email FROM contacts WHERE contacts.order_id = orders.id")
    op.drop_table("contacts")
