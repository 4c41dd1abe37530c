"""the state, which the way back calls by another name."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("state", sa.Text))


def downgrade() -> None:
    op.drop_column("orders", "status")
