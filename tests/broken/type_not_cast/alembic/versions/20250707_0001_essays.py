"""Essays.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table(
        "essays",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("points", sa.Text()),
    )


def downgrade() -> None:
    op.drop_table("essays")
