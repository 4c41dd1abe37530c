"""Grades.

Revision ID: 20250103_0001
Revises: 20250101_0001
Create Date: 2025-01-03 14:55:25.424515
"""

import sqlalchemy as sa
from alembic import op

revision = "20250103_0001"
down_revision = "20250101_0001"
branch_labels = ("grades",)
depends_on = "20250102_0001"


def upgrade() -> None:
    op.create_table("grades", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("grades")
