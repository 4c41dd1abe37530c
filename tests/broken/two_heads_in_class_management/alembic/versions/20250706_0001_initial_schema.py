"""Initial schema.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "classes",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("created_by_user_id", sa.String(255), nullable=False),
    )
    op.create_table(
        "students",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("class_id", sa.Uuid(), sa.ForeignKey("classes.id"), nullable=False),
        sa.Column("last_name", sa.String(255), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("students")
    op.drop_table("classes")
