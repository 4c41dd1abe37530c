"""the events."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("events", sa.Column("id", sa.Integer, primary_key=True), sa.Column("body", sa.JSON))


def downgrade() -> None:
    op.drop_table("events")
