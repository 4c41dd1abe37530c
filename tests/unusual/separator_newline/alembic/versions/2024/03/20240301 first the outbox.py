"""Event outbox.

Revision ID: 20240301_0001
Revises:
Create Date: 2024-03-01 13:48:12.416596
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20240301_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
