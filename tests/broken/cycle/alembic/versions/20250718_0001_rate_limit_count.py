"""Rate limit count.

Revision ID: 20250718_0001
Revises: 20250712_0001
Create Date: 2025-07-18 10:19:01.519543
"""

import sqlalchemy as sa
from alembic import op

revision = "20250718_0001"
down_revision = "20250712_0001"


def upgrade() -> None:
    op.add_column("rate_limits", sa.Column("count", sa.Integer()))


def downgrade() -> None:
    op.drop_column("rate_limits", "count")
