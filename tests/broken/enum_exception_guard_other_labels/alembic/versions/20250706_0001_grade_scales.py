"""Grade scales.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 15:58:22.495786
"""

from alembic import op
from outbox import create_event_outbox, drop_event_outbox

revision = "20250706_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE grade_scale_enum AS ENUM ('swedish_8_anchor', 'eng5_np')")
    op.execute("CREATE TABLE assignments (id uuid PRIMARY KEY, scale grade_scale_enum NOT NULL)")
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("assignments")
    op.execute("DROP TYPE grade_scale_enum")
