"""orders by mail."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_index("ix_customers_name", "customers", ["name"])


def downgrade() -> None:
    op.drop_index("ix_customers_name")
