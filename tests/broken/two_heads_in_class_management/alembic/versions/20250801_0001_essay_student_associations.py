"""Essay student associations.

Revision ID: 20250801_0001
Revises: 20250714_0001
Create Date: 2025-08-01 11:30:30.464110
"""

import sqlalchemy as sa
from alembic import op

revision = "20250801_0001"
down_revision = "20250714_0001"


def upgrade() -> None:
    op.create_table(
        "essay_student_associations",
        sa.Column("essay_id", sa.Uuid(), primary_key=True),
        sa.Column("student_id", sa.Uuid(), sa.ForeignKey("students.id"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("essay_student_associations")
