"""wider types."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "email", type_=sa.String(200))
    op.alter_column("orders", "status", type_=sa.Text)
    op.alter_column("orders", "total", type_=sa.Numeric(12, 2))
    op.add_column("orders", sa.Column("at", sa.DateTime, nullable=False, server_default=sa.func.now()))
    op.add_column("orders", sa.Column("note", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    op.drop_column("orders", "note")
    op.drop_column("orders", "at")
    op.alter_column("orders", "total", type_=sa.Numeric(10, 2))
    op.alter_column("orders", "status", type_=sa.String(20))
    op.alter_column("orders", "email", type_=sa.String(100))
