"""Event outbox.

Revision ID: 20250301_0001
Revises:
Create Date: 2025-03-01 14:55:25.424515
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250301_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
