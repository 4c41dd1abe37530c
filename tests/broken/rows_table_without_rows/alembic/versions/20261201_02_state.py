"""a state."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("queue", sa.Column("state", sa.Text))


def downgrade() -> None:
    op.drop_column("queue", "state")
