"""Event outbox.

Revision ID: 7c1e0b9a52d4
Revises:
Create Date: 2025-08-18 11:02:38.222694
"""

from outbox import create_event_outbox, drop_event_outbox

revision = "7c1e0b9a52d4"
down_revision = None
branch_labels = ("events",)


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
