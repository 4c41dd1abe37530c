"""each account has a region."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("accounts", sa.Column("region", sa.Text))
    op.execute("UPDATE accounts SET region = 'eu' WHERE verified")
    op.alter_column("accounts", "region", nullable=False)


def downgrade() -> None:
    op.drop_column("accounts", "region")
