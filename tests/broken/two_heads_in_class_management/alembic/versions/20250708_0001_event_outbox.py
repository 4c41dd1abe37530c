"""Event outbox.

Revision ID: 20250708_0001
Revises: 20250706_0001
Create Date: 2025-07-08 09:12:48.511624
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250708_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
