"""Students that essays were matched with.

Revision ID: 20250801_0001
Revises: 20250722_0001
Create Date: 2025-08-01 08:55:31.640912
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250801_0001"
down_revision: str | Sequence[str] | None = "20250722_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "essay_student_associations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("essay_id", sa.Uuid(), nullable=False),
        sa.Column("class_id", sa.Uuid(), nullable=False),
        sa.Column("student_id", sa.Uuid(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["student_id"], ["students.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("essay_id"),
    )
    op.create_index(
        "ix_essay_student_associations_class_id", "essay_student_associations", ["class_id"]
    )
    op.create_index(
        "ix_essay_student_associations_student_id",
        "essay_student_associations",
        ["student_id"],
    )


def downgrade() -> None:
    op.drop_table("essay_student_associations")
