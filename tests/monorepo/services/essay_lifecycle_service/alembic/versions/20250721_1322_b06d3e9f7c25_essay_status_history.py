"""History of an essay's status.

Revision ID: b06d3e9f7c25
Revises: 1f5c8a92e4b7
Create Date: 2025-07-21 13:22:59.804417
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "b06d3e9f7c25"
down_revision: str | Sequence[str] | None = "1f5c8a92e4b7"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    essay_status = postgresql.ENUM(name="essay_status_enum", create_type=False)
    op.create_table(
        "essay_status_history",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("from_status", essay_status, nullable=True),
        sa.Column("to_status", essay_status, nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["essay_id"], ["essay_states.essay_id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "ix_essay_status_history_essay",
        "essay_status_history",
        ["essay_id", sa.text("changed_at DESC")],
    )


def downgrade() -> None:
    op.drop_table("essay_status_history")
