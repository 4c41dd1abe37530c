"""the name of the customer for an email."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"

SIZE = 200


def upgrade() -> None:
    with op.get_context().autocommit_block():
        bind = op.get_bind()
        last = bind.execute(sa.text("SELECT min(id) FROM orders")).scalar()
        end = bind.execute(sa.text("SELECT max(id) FROM orders")).scalar()
        while last is not None and last <= end:
            # Few rows in a batch, of a table whose every row could be read as fast.
            bind.execute(
                sa.text(
                    "UPDATE orders SET email = customers.name FROM customers"
                    " WHERE customers.id = orders.customer_id"
                    " AND orders.id >= :last AND orders.id < :next"
                ),
                {"last": last, "next": last + SIZE},
            )
            last += SIZE


def downgrade() -> None:
    pass
