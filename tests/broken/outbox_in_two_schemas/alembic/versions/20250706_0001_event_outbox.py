"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()
    op.execute("CREATE SCHEMA archive")
    create_event_outbox(schema="archive")


def downgrade() -> None:
    drop_event_outbox(schema="archive")
    op.execute("DROP SCHEMA archive")
    drop_event_outbox()
