"""Event outbox.

Revision ID: 5d21b8c7a604
Revises: 1a7c40f2e9b3
Create Date: 2025-07-23 10:55:25.413655
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "5d21b8c7a604"
down_revision = "1a7c40f2e9b3"


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
