"""Association validation.

Revision ID: 20250804_0001
Revises: 20250801_0001
Create Date: 2025-08-04 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import op

revision = "20250804_0001"
down_revision = "20250801_0001"


def upgrade() -> None:
    op.add_column(
        "essay_student_associations",
        sa.Column("validated", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("essay_student_associations", "validated")
