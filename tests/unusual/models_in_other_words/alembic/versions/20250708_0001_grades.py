"""Grades.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.create_table(
        "marks",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("status", sa.Enum("open", "given", name="grade_status")),
        sa.Column("given_at", sa.DateTime(), server_default=sa.text("CURRENT_TIMESTAMP"), nullable=False),
        sa.Column("weight", sa.Numeric(6, 2), server_default=sa.text("0"), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text), server_default=sa.text("ARRAY[]::text[]"), nullable=False),
    )
    op.rename_table("marks", "grades")
    op.create_index("manual_ix_grades", "grades", ["status"])


def downgrade() -> None:
    op.drop_table("grades")
    op.execute("DROP TYPE grade_status")
