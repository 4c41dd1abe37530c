"""Grades.

Revision ID: 20250302_0001
Revises: 20250301_0001
Create Date: 2025-03-02 15:02:38.432434
"""

import sqlalchemy as sa
from alembic import op

revision = "20250302_0001"
down_revision = "20250301_0001"


def upgrade() -> None:
    op.create_table("grades", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("grades")
