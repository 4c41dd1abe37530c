"""events."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_table("events", sa.Column("id", sa.Integer, primary_key=True), sa.Column("kind", sa.Text))
    op.execute("INSERT INTO events SELECT n, 'old' FROM generate_series(1, 2000) n")


def downgrade() -> None:
    op.drop_table("events")
