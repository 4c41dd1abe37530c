"""an index for many orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    if op.get_bind().execute(sa.text("SELECT count(*) FROM orders")).scalar():
        op.create_index("ix_orders_email", "orders", ["email"])


def downgrade() -> None:
    op.execute("DROP INDEX IF EXISTS ix_orders_email")
