"""Correlation id and size check of a batch tracker.

Revision ID: c3a7e85d2f46
Revises: 6e4f9c0b17da
Create Date: 2025-09-02 12:48:55.071639
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "c3a7e85d2f46"
down_revision: str | Sequence[str] | None = "6e4f9c0b17da"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("batch_essay_trackers", sa.Column("correlation_id", sa.Uuid(), nullable=True))
    op.create_check_constraint(
        "ck_batch_essay_trackers_expected_essay_count",
        "batch_essay_trackers",
        "expected_essay_count > 0",
    )


def downgrade() -> None:
    op.drop_constraint(
        "ck_batch_essay_trackers_expected_essay_count",
        "batch_essay_trackers",
        type_="check",
    )
    op.drop_column("batch_essay_trackers", "correlation_id")
