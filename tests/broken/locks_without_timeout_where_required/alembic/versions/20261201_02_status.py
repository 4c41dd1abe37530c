"""no default any more."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "status", existing_type=sa.String(20), server_default=None)


def downgrade() -> None:
    op.alter_column("orders", "status", existing_type=sa.String(20), server_default="new")
