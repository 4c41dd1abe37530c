"""the orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text), sa.Column("note", sa.Text))
    op.execute("CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.note := left(NEW.note, 3); RETURN NEW; END $$")
    op.execute("CREATE TRIGGER cut BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION cut()")


def downgrade() -> None:
    op.drop_table("orders")
    op.execute("DROP FUNCTION cut()")
