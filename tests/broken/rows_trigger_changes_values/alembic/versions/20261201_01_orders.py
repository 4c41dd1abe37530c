"""the orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text), sa.Column("note", sa.Text), sa.Column("seen", sa.Boolean))
    op.execute("CREATE FUNCTION clear_note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := 'cleared'; RETURN NEW; END $$")
    op.execute("CREATE TRIGGER clear_note BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION clear_note()")


def downgrade() -> None:
    op.drop_table("orders")
    op.execute("DROP FUNCTION clear_note()")
