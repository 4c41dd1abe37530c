"""a note."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    bind = op.get_bind()
    ids = bind.execute(sa.text("SELECT id FROM orders")).scalars().all()
    op.add_column("orders", sa.Column("note", sa.Text))
    for number in ids:
        bind.execute(sa.text("UPDATE orders SET note = status WHERE id = :id"), {"id": number})


def downgrade() -> None:
    op.drop_column("orders", "note")
