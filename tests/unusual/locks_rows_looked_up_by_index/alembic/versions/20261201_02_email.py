"""the last email of each customer."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute(
        "UPDATE customers SET name = coalesce("
        "(SELECT max(email) FROM orders WHERE orders.customer_id = customers.id), name)"
    )


def downgrade() -> None:
    pass
