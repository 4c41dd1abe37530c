"""Validation of matched essays by the teacher.

Revision ID: 20250804_0001
Revises: 20250801_0001
Create Date: 2025-08-04 11:17:52.083346
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "20250804_0001"
down_revision: str | Sequence[str] | None = "20250801_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    validation_status = sa.Enum(
        "pending", "confirmed", "rejected", name="association_validation_status_enum"
    )
    validation_status.create(op.get_bind())
    op.add_column(
        "essay_student_associations",
        sa.Column("confidence_score", sa.Numeric(4, 3), nullable=True),
    )
    op.add_column(
        "essay_student_associations",
        sa.Column(
            "validation_status",
            postgresql.ENUM(name="association_validation_status_enum", create_type=False),
            server_default="pending",
            nullable=False,
        ),
    )
    op.add_column(
        "essay_student_associations",
        sa.Column("validated_by", sa.String(255), nullable=True),
    )
    op.add_column(
        "essay_student_associations",
        sa.Column("validated_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_check_constraint(
        "ck_essay_student_associations_confidence_score",
        "essay_student_associations",
        "confidence_score >= 0 AND confidence_score <= 1",
    )


def downgrade() -> None:
    op.drop_constraint(
        "ck_essay_student_associations_confidence_score",
        "essay_student_associations",
        type_="check",
    )
    op.drop_column("essay_student_associations", "validated_at")
    op.drop_column("essay_student_associations", "validated_by")
    op.drop_column("essay_student_associations", "validation_status")
    op.drop_column("essay_student_associations", "confidence_score")
    op.execute("DROP TYPE association_validation_status_enum")
