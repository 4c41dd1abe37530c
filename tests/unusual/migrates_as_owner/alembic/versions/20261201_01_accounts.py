"""accounts that row level security guards, from their owner too."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None

ASKED = """
SELECT rolsuper, rolcreaterole, rolbypassrls, current_setting('app.tenant'),
  pg_get_userbyid(datdba) = current_user
FROM pg_roles, pg_database WHERE rolname = current_user AND datname = current_database()
"""


def upgrade() -> None:
    asked = tuple(op.get_bind().execute(sa.text(ASKED)).one())
    assert asked == (False, False, False, "all", True), asked
    op.execute("CREATE EXTENSION citext")
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
    )
    op.execute("ALTER TABLE accounts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE accounts FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY own ON accounts USING (current_setting('app.tenant') IN ('all', tenant))")
    op.execute("GRANT SELECT ON accounts TO own_reader")


def downgrade() -> None:
    op.drop_table("accounts")
    op.execute("DROP EXTENSION citext")
