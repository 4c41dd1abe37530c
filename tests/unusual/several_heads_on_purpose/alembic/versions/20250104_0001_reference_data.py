"""Reference data.

Revision ID: 20250104_0001
Revises:
Create Date: 2025-01-04 15:02:38.432434
"""

import sqlalchemy as sa
from alembic import op

revision = "20250104_0001"
down_revision = None
branch_labels = ("reference",)


def upgrade() -> None:
    op.create_table("countries", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("countries")
