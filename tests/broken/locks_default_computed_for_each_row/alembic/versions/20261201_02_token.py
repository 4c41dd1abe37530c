"""a token."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.add_column("orders", sa.Column("token", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()")))


def downgrade() -> None:
    op.drop_column("orders", "token")
