"""the label is called state."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("state", sa.String(100)))
    op.execute("UPDATE orders SET state = label")
    op.drop_column("orders", "label")


def downgrade() -> None:
    op.add_column("orders", sa.Column("label", sa.String(100)))
    op.drop_column("orders", "state")
