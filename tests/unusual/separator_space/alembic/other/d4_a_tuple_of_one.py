"""A tuple of one.

Revision ID: d4
Revises: c3
Create Date: 2025-10-23 13:16:04.022852
"""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "d4", ("c3",)  # after the name, before the year


def upgrade() -> None:
    op.add_column("classes", sa.Column("code", sa.String(255)))


def downgrade() -> None:
    op.drop_column("classes", "code")
