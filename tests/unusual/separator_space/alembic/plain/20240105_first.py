"""Plain.

Revision ID: a1
Revises:
Create Date: 2025-09-02 16:49:31.856553
"""

from outbox import create_event_outbox, drop_event_outbox

# -*- coding: utf-8 -*-
revision: str = "a1"
down_revision: str | None = None
branch_labels = None
depends_on = ()


def upgrade() -> None:
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
