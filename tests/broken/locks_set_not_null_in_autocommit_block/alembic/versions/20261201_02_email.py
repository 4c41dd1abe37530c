"""email is required."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("UPDATE orders SET email = 'none' WHERE email IS NULL")
        op.alter_column("orders", "email", existing_type=sa.String(100), nullable=False)


def downgrade() -> None:
    op.alter_column("orders", "email", existing_type=sa.String(100), nullable=True)
