"""orders are made anew."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_table(
        "purchases",
        sa.Column("id", sa.BigInteger, primary_key=True),
        sa.Column("email", sa.Text),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
    )
    op.execute("INSERT INTO purchases SELECT id, email, total, status FROM orders")
    op.execute("SELECT setval('purchases_id_seq', (SELECT max(id) FROM purchases))")
    op.drop_table("orders")


def downgrade() -> None:
    raise NotImplementedError
