"""all are old, and have a note; nothing is locked while rows are changed, and no trigger fires."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("""
        DO $$
        BEGIN
            SET LOCAL session_replication_role = replica;
            UPDATE orders SET status = 'old';
            IF NOT EXISTS (
                SELECT FROM information_schema.columns
                WHERE table_name = 'orders' AND column_name = 'note'
            ) THEN
                ALTER TABLE orders ADD COLUMN note text;
            END IF;
        END $$
    """)


def downgrade() -> None:
    op.drop_column("orders", "note")
