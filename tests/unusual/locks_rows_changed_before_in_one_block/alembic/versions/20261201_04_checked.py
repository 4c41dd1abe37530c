"""within one string of several statements too."""

from alembic import op

revision = "20261201_04"
down_revision = "20261201_03"


def upgrade() -> None:
    op.get_bind().exec_driver_sql(
        """
        UPDATE customers SET name = upper(name) WHERE name <> %(but)s;
        DO $$
        BEGIN
            PERFORM count(*) FROM orders;
            EXECUTE 'CREATE TABLE regions (id int PRIMARY KEY)';
            ALTER TABLE customers ADD COLUMN region_id int;
        END $$;
        ALTER TABLE orders ALTER COLUMN status SET DEFAULT 'open';
        """,
        {"but": "x; y"},
    )


def downgrade() -> None:
    op.alter_column("orders", "status", server_default="new")
    op.drop_column("customers", "region_id")
    op.drop_table("regions")
