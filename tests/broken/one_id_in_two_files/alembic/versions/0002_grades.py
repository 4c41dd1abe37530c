"""Grades.

Revision ID: 0002
Revises: 0001
Create Date: 2025-08-13 13:12:48.937044
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table("grades", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("grades")
