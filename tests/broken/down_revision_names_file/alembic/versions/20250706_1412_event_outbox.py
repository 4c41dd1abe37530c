"""Event outbox.

Revision ID: 8c1d5e7f2a94
Revises:
Create Date: 2025-08-24 15:02:38.697834
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "8c1d5e7f2a94"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
