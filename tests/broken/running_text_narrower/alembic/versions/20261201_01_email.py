"""email is shorter."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.execute("UPDATE orders SET email = left(email, 50)")
    op.alter_column("orders", "email", type_=sa.String(50))


def downgrade() -> None:
    op.alter_column("orders", "email", type_=sa.String(100))
