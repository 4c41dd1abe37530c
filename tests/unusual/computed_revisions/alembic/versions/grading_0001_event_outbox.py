"""Event outbox.

Revision ID: grading_0001
Revises:
Create Date: 2025-08-08 13:52:28.419764
"""

from outbox import create_event_outbox, drop_event_outbox
from revision_ids import revision_id

revision = revision_id(1)
down_revision = None


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
