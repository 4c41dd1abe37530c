"""all are old."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        last = 0
        while True:
            done = op.get_bind().execute(
                sa.text(
                    "UPDATE orders SET status = 'old' WHERE id IN (SELECT id FROM orders"
                    " WHERE id > :last ORDER BY id LIMIT 100) RETURNING id"
                ),
                {"last": last},
            )
            ids = [row.id for row in done]
            if not ids:
                break
            last = max(ids)


def downgrade() -> None:
    pass
