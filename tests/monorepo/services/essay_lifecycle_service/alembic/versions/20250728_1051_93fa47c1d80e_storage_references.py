"""References to stored content.

Revision ID: 93fa47c1d80e
Revises: b06d3e9f7c25
Create Date: 2025-07-28 10:51:36.190573
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "93fa47c1d80e"
down_revision: str | Sequence[str] | None = "b06d3e9f7c25"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "essay_states",
        sa.Column(
            "storage_references",
            postgresql.JSONB(),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
    )


def downgrade() -> None:
    op.drop_column("essay_states", "storage_references")
