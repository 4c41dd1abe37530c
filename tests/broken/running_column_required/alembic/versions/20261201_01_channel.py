"""the channel is required."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("channel", sa.Text, nullable=False, server_default="web"))
    op.alter_column("orders", "channel", server_default=None)


def downgrade() -> None:
    op.drop_column("orders", "channel")
