"""Statuses of the spellcheck phase.

Revision ID: 1f5c8a92e4b7
Revises: e27a6f10b8d3
Create Date: 2025-07-16 11:05:48.266190
"""

from collections.abc import Sequence

from alembic import op
from common_core.enum_migrations import EnumColumn, restore_enum_labels

revision: str = "1f5c8a92e4b7"
down_revision: str | Sequence[str] | None = "e27a6f10b8d3"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    "uploaded",
    "text_extracted",
    "ready_for_processing",
    "essay_critical_failure",
)
ADDED = (
    "spellchecking_in_progress",
    "spellchecked_success",
    "spellcheck_failed",
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for label in ADDED:
            op.execute(
                f"ALTER TYPE essay_status_enum ADD VALUE IF NOT EXISTS '{label}' "
                "BEFORE 'essay_critical_failure'"
            )


def downgrade() -> None:
    op.execute(
        "UPDATE essay_states SET current_status = 'ready_for_processing' "
        "WHERE current_status::text LIKE 'spellcheck%'"
    )
    restore_enum_labels(
        "essay_status_enum",
        BEFORE,
        [EnumColumn("essay_states", "current_status", default="uploaded")],
    )
