"""Grammar jobs.

Revision ID: 20250719_0001
Revises: 20250706_0001
Create Date: 2025-07-19 11:26:14.527462
"""

import sqlalchemy as sa
from alembic import op

revision = "20250719_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table(
        "grammar_jobs",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("status", sa.Enum("pending", "done", "failed", name="job_status_enum"), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("grammar_jobs")
