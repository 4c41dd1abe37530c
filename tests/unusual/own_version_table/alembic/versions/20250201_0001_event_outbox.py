"""Event outbox.

Revision ID: 20250201_0001
Revises:
Create Date: 2025-02-01 13:48:12.416596
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250201_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox(schema="assessment")


def downgrade() -> None:
    drop_event_outbox(schema="assessment")
