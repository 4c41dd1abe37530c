"""Event outbox.

Revision ID: 20250401_0001
Revises:
Create Date: 2025-04-01 15:02:38.432434
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250401_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
