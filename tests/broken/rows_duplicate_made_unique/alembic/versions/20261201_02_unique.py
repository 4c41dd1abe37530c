"""email is unique."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_unique_constraint("orders_email_key", "orders", ["email"])


def downgrade() -> None:
    op.drop_constraint("orders_email_key", "orders")
