"""Rate limit window.

Revision ID: 20250712_0001
Revises: 20250718_0001
Create Date: 2025-07-12 12:37:43.472029
"""

import sqlalchemy as sa
from alembic import op

revision = "20250712_0001"
down_revision = "20250718_0001"


def upgrade() -> None:
    op.add_column("rate_limits", sa.Column("window_seconds", sa.Integer()))


def downgrade() -> None:
    op.drop_column("rate_limits", "window_seconds")
