"""the channel."""

import sqlalchemy as sa
from alembic import op

revision = "20261103_01"
down_revision = "20261102_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("channel", sa.String(20)))


def downgrade() -> None:
    op.drop_column("orders", "channel")
