"""email is required."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "customer_id", existing_type=sa.Integer, nullable=False)


def downgrade() -> None:
    op.alter_column("orders", "customer_id", existing_type=sa.Integer, nullable=True)
