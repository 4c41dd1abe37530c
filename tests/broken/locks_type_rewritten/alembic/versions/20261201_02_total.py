"""larger totals."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "id", type_=sa.BigInteger)


def downgrade() -> None:
    op.alter_column("orders", "id", type_=sa.Integer)
