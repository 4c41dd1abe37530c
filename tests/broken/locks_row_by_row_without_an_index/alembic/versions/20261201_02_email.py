"""the email of each customer's orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    bind = op.get_bind()
    customers = bind.execute(sa.text("SELECT id, name FROM customers")).all()
    for number, name in customers:
        bind.execute(
            sa.text("UPDATE orders SET email = :name WHERE customer_id = :number"),
            {"name": name, "number": number},
        )


def downgrade() -> None:
    pass
