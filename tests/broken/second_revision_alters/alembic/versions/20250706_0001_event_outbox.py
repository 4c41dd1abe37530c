"""Event outbox.

Revision ID: 20250706_0001
Revises: 20250705_0001
Create Date: 2025-07-06 15:58:22.495786
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = "20250705_0001"


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
