"""orders have a note."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("note", sa.Text))


def downgrade() -> None:
    op.drop_column("orders", "note")
