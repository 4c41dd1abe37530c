"""Rate limit buckets.

Revision ID: 20250712_0001
Revises: 20250706_0002
Create Date: 2025-07-12 09:47:12.880154
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250712_0001"
down_revision: str | Sequence[str] | None = "20250706_0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "rate_limit_buckets",
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("metric", sa.String(100), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint('"count" >= 0', name=op.f("ck_rate_limit_buckets_count")),
        sa.PrimaryKeyConstraint(
            "subject_id", "metric", "window_start", name=op.f("pk_rate_limit_buckets")
        ),
    )
    op.create_index(
        op.f("ix_rate_limit_buckets_window_start"), "rate_limit_buckets", ["window_start"]
    )


def downgrade() -> None:
    op.drop_table("rate_limit_buckets")
