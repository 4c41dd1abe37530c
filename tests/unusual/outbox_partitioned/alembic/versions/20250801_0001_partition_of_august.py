"""Partition of August.

Revision ID: 20250801_0001
Revises: 20250706_0001
Create Date: 2025-08-01 11:30:30.464110
"""

from alembic import op

revision = "20250801_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE event_outbox_2025_08 PARTITION OF event_outbox"
        " FOR VALUES FROM ('2025-08-01') TO ('2025-09-01')"
    )


def downgrade() -> None:
    op.drop_table("event_outbox_2025_08")
