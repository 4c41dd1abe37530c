"""channel of an order."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("channel", sa.String(20), nullable=False))


def downgrade() -> None:
    op.drop_column("orders", "channel")
