"""Essays.

Revision ID: 20250701_0001
Revises:
Create Date: 2025-07-01 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250701_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "essays",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("status", sa.String(5), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'final', 'lost')", name="ck_status"),
    )
    op.create_index("ix_status", "essays", ["id"], postgresql_where=sa.text("status = 'final'"))
    op.create_unique_constraint("uq_essays_id", "essays", ["id"])
    op.alter_column("essays", "status", type_=sa.String(20))
    op.execute("CREATE SCHEMA app")
    op.execute("CREATE SCHEMA audit")
    op.create_table("entries", sa.Column("id", sa.Integer(), primary_key=True), schema="app")
    op.create_table("entries", sa.Column("id", sa.Integer(), primary_key=True), schema="audit")


def downgrade() -> None:
    op.execute("DROP SCHEMA audit CASCADE")
    op.execute("DROP SCHEMA app CASCADE")
    op.drop_table("essays")
