"""kinds are required."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_03"
down_revision = "20261201_02"


def upgrade() -> None:
    op.execute("UPDATE events SET kind = 'new'")
    op.alter_column("events", "kind", existing_type=sa.Text, nullable=False)
    op.create_index("ix_events_kind", "events", ["kind"])


def downgrade() -> None:
    op.drop_index("ix_events_kind")
    op.alter_column("events", "kind", existing_type=sa.Text, nullable=True)
