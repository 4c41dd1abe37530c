"""accounts of several tenants."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("tenant", sa.Text, nullable=False),
    )
    op.execute("ALTER TABLE accounts ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE accounts FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY own ON accounts USING (tenant = current_setting('app.tenant', true))")


def downgrade() -> None:
    op.drop_table("accounts")
