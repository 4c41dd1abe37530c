"""customers are called clients."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.rename_table("customers", "clients")


def downgrade() -> None:
    op.rename_table("clients", "customers")
