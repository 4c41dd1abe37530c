"""Reviews.

Revision ID: 20250501_0001
Revises:
Create Date: 2025-05-01 16:09:51.440353
"""

from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250501_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE review_status AS ENUM ('open', 'closed')")
    op.execute("CREATE TABLE reviews (id uuid PRIMARY KEY, status review_status)")
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.execute("DROP TABLE reviews")
    op.execute("DROP TYPE review_status")
