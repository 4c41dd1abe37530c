"""a role that reads reports."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.create_table("reports", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("CREATE ROLE report_reader")
    op.execute("GRANT SELECT ON reports TO report_reader")


def downgrade() -> None:
    op.drop_table("reports")
    op.execute("DROP ROLE report_reader")
