"""The id a student has in the school's own system.

Revision ID: 20250714_0001
Revises: 20250708_0001
Create Date: 2025-07-14 10:41:27.115630
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250714_0001"
down_revision: str | Sequence[str] | None = "20250708_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("students", sa.Column("external_student_id", sa.String(64), nullable=True))
    op.create_unique_constraint(
        "uq_students_external_id", "students", ["created_by_user_id", "external_student_id"]
    )


def downgrade() -> None:
    op.drop_constraint("uq_students_external_id", "students", type_="unique")
    op.drop_column("students", "external_student_id")
