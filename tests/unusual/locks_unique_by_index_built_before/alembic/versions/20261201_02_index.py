"""an index first."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index("ux_orders", "orders", ["id", "status"], unique=True, postgresql_concurrently=True)


def downgrade() -> None:
    op.drop_index("ux_orders")
