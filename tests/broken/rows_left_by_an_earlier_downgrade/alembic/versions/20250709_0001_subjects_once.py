"""Each subject once.

Revision ID: 20250709_0001
Revises: 20250708_0001
Create Date: 2025-07-09 10:31:02.118920
"""

from alembic import op

revision = "20250709_0001"
down_revision = "20250708_0001"


def upgrade() -> None:
    op.create_index("ux_subjects_name", "subjects", ["name"], unique=True)


def downgrade() -> None:
    op.drop_index("ux_subjects_name", "subjects")
