"""Essay states and the enum of their status.

Revision ID: 8c1d5e7f2a94
Revises:
Create Date: 2025-07-06 14:12:33.091842
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "8c1d5e7f2a94"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "essay_states",
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("batch_id", sa.Uuid(), nullable=True),
        sa.Column(
            "current_status",
            sa.Enum(
                "uploaded",
                "text_extracted",
                "ready_for_processing",
                "essay_critical_failure",
                name="essay_status_enum",
            ),
            server_default="uploaded",
            nullable=False,
        ),
        sa.Column(
            "processing_metadata",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
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
        sa.PrimaryKeyConstraint("essay_id"),
    )
    op.create_index("ix_essay_states_batch_id", "essay_states", ["batch_id"])
    op.create_index("ix_essay_states_current_status", "essay_states", ["current_status"])


def downgrade() -> None:
    op.drop_table("essay_states")
    op.execute("DROP TYPE essay_status_enum")
