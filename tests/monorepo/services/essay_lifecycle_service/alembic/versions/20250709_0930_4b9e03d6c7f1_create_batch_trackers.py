"""Batch trackers and slot assignments.

Revision ID: 4b9e03d6c7f1
Revises: 8c1d5e7f2a94
Create Date: 2025-07-09 09:30:17.553020
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "4b9e03d6c7f1"
down_revision: str | Sequence[str] | None = "8c1d5e7f2a94"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "batch_essay_trackers",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("expected_essay_count", sa.Integer(), nullable=False),
        sa.Column("deadline_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("batch_id"),
    )
    op.create_table(
        "slot_assignments",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("batch_tracker_id", sa.BigInteger(), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("text_storage_id", sa.String(255), nullable=False),
        sa.ForeignKeyConstraint(
            ["batch_tracker_id"], ["batch_essay_trackers.id"], ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "batch_tracker_id", "essay_id", name="uq_slot_assignments_tracker_essay"
        ),
    )


def downgrade() -> None:
    op.drop_table("slot_assignments")
    op.drop_table("batch_essay_trackers")
