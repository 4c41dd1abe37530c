"""orders come by post."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE order_kind ADD VALUE 'post'")


def downgrade() -> None:
    raise NotImplementedError("PostgreSQL removes no label of an enum type")
