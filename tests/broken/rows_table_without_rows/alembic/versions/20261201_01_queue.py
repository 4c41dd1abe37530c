"""a queue that refuses."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("queue", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))
    op.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no rows'; END $$")
    op.execute("CREATE TRIGGER refuse BEFORE INSERT ON queue FOR EACH ROW EXECUTE FUNCTION refuse()")


def downgrade() -> None:
    op.drop_table("queue")
    op.execute("DROP FUNCTION refuse()")
