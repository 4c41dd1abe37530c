"""Grades.

Revision ID: grading_0002
Revises: grading_0001
Create Date: 2025-07-22 11:30:30.530630
"""

import sqlalchemy as sa
from alembic import op
from revision_ids import revision_id

revision = revision_id(2)
down_revision = revision_id(1)


def upgrade() -> None:
    op.create_table("grades", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("grades")
