"""Grade comments.

Revision ID: grading_0003
Revises: grading_0002
Create Date: 2025-11-09 09:08:32.641496
"""

import sqlalchemy as sa
from alembic import op

NUMBER = 3
revision = f"grading_{NUMBER:04}"
down_revision = f"grading_{NUMBER - 1:04}"


def upgrade() -> None:
    op.add_column("grades", sa.Column("comment", sa.Text()))


def downgrade() -> None:
    op.drop_column("grades", "comment")
