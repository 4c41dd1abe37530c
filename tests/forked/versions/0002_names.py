"""A column."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add it."""
    op.add_column("things", sa.Column("name", sa.Text()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("things", "name")
