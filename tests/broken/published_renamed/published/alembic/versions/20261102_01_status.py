"""the status."""

import sqlalchemy as sa
from alembic import op

revision = "20261102_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("status", sa.String(20), server_default="new", nullable=False))


def downgrade() -> None:
    op.drop_column("orders", "status")
