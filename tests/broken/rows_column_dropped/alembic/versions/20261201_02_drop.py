"""email is not needed."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.drop_column("orders", "email")


def downgrade() -> None:
    op.add_column("orders", sa.Column("email", sa.String(100)))
