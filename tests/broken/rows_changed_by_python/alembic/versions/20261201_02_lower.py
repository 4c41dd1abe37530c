"""emails in lower case."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    for order in op.get_bind().execute(sa.text("SELECT id FROM orders")).all():
        op.get_bind().execute(sa.text("UPDATE orders SET email = lower(email) WHERE id = :id"), {"id": order.id})


def downgrade() -> None:
    pass
