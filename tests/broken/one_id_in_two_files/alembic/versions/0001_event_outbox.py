"""Event outbox.

Revision ID: 0001
Revises:
Create Date: 2025-07-07 15:30:30.889530
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
