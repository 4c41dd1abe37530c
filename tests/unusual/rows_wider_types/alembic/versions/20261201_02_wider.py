"""wider types."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "email", type_=sa.Text)
    op.alter_column("orders", "id", type_=sa.BigInteger)
    op.alter_column("orders", "total", type_=sa.Numeric(20, 2))


def downgrade() -> None:
    op.alter_column("orders", "total", type_=sa.Numeric(10, 2))
    op.alter_column("orders", "id", type_=sa.Integer)
    op.alter_column("orders", "email", type_=sa.String(100))
