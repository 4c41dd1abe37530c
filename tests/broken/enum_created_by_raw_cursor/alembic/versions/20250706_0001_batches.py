"""Batches.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE batch_status AS ENUM ('open', 'closed', '50%')")
    op.execute("CREATE TABLE batches (id uuid PRIMARY KEY, status batch_status NOT NULL)")
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("batches")
    op.execute("DROP TYPE batch_status")
