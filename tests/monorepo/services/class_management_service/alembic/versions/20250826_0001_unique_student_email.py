"""One student per e-mail address and teacher.

Revision ID: 20250826_0001
Revises: 20250811_0001
Create Date: 2025-08-26 10:09:57.364128
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250826_0001"
down_revision: str | Sequence[str] | None = "20250811_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_index(
        "uq_students_email",
        "students",
        ["created_by_user_id", sa.text("lower(email)")],
        unique=True,
        postgresql_where=sa.text("email IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("uq_students_email", table_name="students")
