"""emails in lower case."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    orders = op.get_bind().execute(sa.text("SELECT id, email FROM orders")).all()
    for order in orders:
        if order.email is not None:
            lower = {"id": order.id, "email": order.email.lower()}
            op.get_bind().execute(sa.text("UPDATE orders SET email = :email WHERE id = :id"), lower)


def downgrade() -> None:
    pass
