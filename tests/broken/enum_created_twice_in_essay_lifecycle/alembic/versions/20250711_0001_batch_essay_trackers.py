"""Batch essay trackers.

Revision ID: 20250711_0001
Revises: 20250706_0001
Create Date: 2025-07-11 11:30:30.464110
"""

import sqlalchemy as sa
from alembic import op

revision = "20250711_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table(
        "batch_essay_trackers",
        sa.Column("batch_id", sa.Uuid(), primary_key=True),
        sa.Column("expected_essays", sa.Integer(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("batch_essay_trackers")
