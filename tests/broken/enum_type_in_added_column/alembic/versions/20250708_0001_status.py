"""Essays have a status.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "20250708_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    status = sa.Enum("draft", "final", name="essay_status")
    op.add_column("essays", sa.Column("status", status))


def downgrade() -> None:
    op.drop_column("essays", "status")
    op.execute("DROP TYPE essay_status")
