"""Essays.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 10:00:00.000000
"""

from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute("CREATE SCHEMA IF NOT EXISTS archive")
    op.execute("CREATE SEQUENCE IF NOT EXISTS archive.essay_numbers")
    op.execute("CREATE OR REPLACE VIEW unpublished AS SELECT id FROM event_outbox WHERE published_at IS NULL")
    op.execute("CREATE INDEX IF NOT EXISTS ix_event_type ON event_outbox (event_type)")


def downgrade() -> None:
    pass
