"""the orders."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text), sa.Column("updated_at", sa.DateTime(timezone=True)))
    op.execute("CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$")
    op.execute("CREATE TRIGGER stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp()")


def downgrade() -> None:
    op.drop_table("orders")
    op.execute("DROP FUNCTION stamp()")
