"""Event outbox.

Revision ID: 20250101_0001
Revises:
Create Date: 2025-01-01 12:41:59.408677
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250101_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
