"""the orders; nothing but a migration changes the schema."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("customer_id", sa.Integer),
        sa.Column("email", sa.String(100)),
        sa.Column("total", sa.Numeric(10, 2), nullable=False),
        sa.Column("status", sa.String(20), nullable=False, server_default="new"),
    )
    op.execute("""
        CREATE FUNCTION refuse_by_hand() RETURNS event_trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF current_setting('application_name') <> 'migrations' THEN
                RAISE EXCEPTION 'write a migration';
            END IF;
        END $$;
        CREATE EVENT TRIGGER by_hand ON ddl_command_start EXECUTE FUNCTION refuse_by_hand()
    """)


def downgrade() -> None:
    op.execute("DROP EVENT TRIGGER by_hand; DROP FUNCTION refuse_by_hand()")
    op.drop_table("orders")
    op.drop_table("customers")
