"""Jobs.

Revision ID: 20250301_0001
Revises:
Create Date: 2025-03-01 14:55:25.424515
"""

from alembic import op
from outbox import create_event_outbox_table, drop_event_outbox

revision = "20250301_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE job_status AS ENUM ('pending', 'done')")
    op.execute("CREATE TABLE jobs (id uuid PRIMARY KEY, status job_status NOT NULL)")
    create_event_outbox_table()


def downgrade() -> None:
    drop_event_outbox()
    op.execute("DROP TABLE jobs")
    op.execute("DROP TYPE job_status")
