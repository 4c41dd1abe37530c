"""Assessments.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA assessment")
    op.execute("CREATE TYPE grade AS ENUM ('pass', 'fail')")
    op.execute("CREATE TYPE assessment.grade AS ENUM ('A', 'B', 'C')")
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.execute("DROP TYPE assessment.grade")
    op.execute("DROP TYPE grade")
    op.execute("DROP SCHEMA assessment")
