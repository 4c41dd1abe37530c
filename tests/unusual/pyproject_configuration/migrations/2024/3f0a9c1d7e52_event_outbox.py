"""Event outbox.

Revision ID: 3f0a9c1d7e52
Revises:
Create Date: 2025-08-13 14:27:33.183099
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "3f0a9c1d7e52"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
