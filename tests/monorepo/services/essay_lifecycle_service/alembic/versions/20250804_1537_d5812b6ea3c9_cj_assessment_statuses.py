"""Statuses of the comparative judgement phase.

Revision ID: d5812b6ea3c9
Revises: 93fa47c1d80e
Create Date: 2025-08-04 15:37:21.447906
"""

from collections.abc import Sequence

from alembic import op
from common_core.enum_migrations import EnumColumn, restore_enum_labels

revision: str = "d5812b6ea3c9"
down_revision: str | Sequence[str] | None = "93fa47c1d80e"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BEFORE = (
    "uploaded",
    "text_extracted",
    "ready_for_processing",
    "spellchecking_in_progress",
    "spellchecked_success",
    "spellcheck_failed",
    "essay_critical_failure",
)
ADDED = (
    "cj_assessment_in_progress",
    "cj_assessment_success",
    "cj_assessment_failed",
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
        "WHERE from_status::text LIKE 'cj_assessment_%' OR to_status::text LIKE 'cj_assessment_%'"
    )
    op.execute(
        "UPDATE essay_states SET current_status = 'spellchecked_success' "
        "WHERE current_status::text LIKE 'cj_assessment_%'"
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
