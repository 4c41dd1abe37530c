"""Statuses of the feedback phase.

Revision ID: 70b2d19f4e8c
Revises: c3a7e85d2f46
Create Date: 2025-09-24 14:26:13.385004
"""

from collections.abc import Sequence

from alembic import op
from common_core.enum_migrations import EnumColumn, restore_enum_labels

revision: str = "70b2d19f4e8c"
down_revision: str | Sequence[str] | None = "c3a7e85d2f46"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    "uploaded",
    "text_extracted",
    "ready_for_processing",
    "spellchecking_in_progress",
    "spellchecked_success",
    "spellcheck_failed",
    "cj_assessment_in_progress",
    "cj_assessment_success",
    "cj_assessment_failed",
    "essay_critical_failure",
)
ADDED = (
    "feedback_in_progress",
    "feedback_success",
    "feedback_failed",
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
        "DELETE FROM essay_status_history "
        "WHERE from_status::text LIKE 'feedback_%' OR to_status::text LIKE 'feedback_%'"
    )
    op.execute(
        "UPDATE essay_states SET current_status = 'cj_assessment_success' "
        "WHERE current_status::text LIKE 'feedback_%'"
    )
    restore_enum_labels(
        "essay_status_enum",
        BEFORE,
        [
            EnumColumn("essay_states", "current_status", default="uploaded"),
            EnumColumn("essay_status_history", "from_status"),
            EnumColumn("essay_status_history", "to_status"),
        ],
    )
