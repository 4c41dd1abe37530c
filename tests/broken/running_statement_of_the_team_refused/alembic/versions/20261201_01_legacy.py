"""nothing is legacy any more."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.drop_column("orders", "legacy")


def downgrade() -> None:
    op.add_column("orders", sa.Column("legacy", sa.Text))
