"""Event outbox.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_event_outbox_table, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    create_event_outbox_table()
    op.execute(
        "CREATE INDEX ix_event_outbox_unpublished ON public.event_outbox"
        " USING btree (published_at ASC NULLS LAST, \"created_at\")"
        " WITH (fillfactor = 90) WHERE ((event_outbox.published_at) IS NULL)"
    )
    op.create_index(
        "ix_event_outbox_aggregate",
        "event_outbox",
        [sa.column("aggregate_type"), sa.text("aggregate_id")],
        postgresql_ops={"aggregate_type": "text_ops"},
    )


def downgrade() -> None:
    drop_event_outbox()
