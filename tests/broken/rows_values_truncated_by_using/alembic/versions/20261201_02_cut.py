"""email is short."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "email", type_=sa.String(5), postgresql_using="left(email, 5)")


def downgrade() -> None:
    op.alter_column("orders", "email", type_=sa.String(100))
