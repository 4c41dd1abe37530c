"""totals are large."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.alter_column("orders", "total", type_=sa.BigInteger)


def downgrade() -> None:
    op.alter_column("orders", "total", type_=sa.Integer)
