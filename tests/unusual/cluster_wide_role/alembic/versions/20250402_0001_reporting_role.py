"""Reporting role.

Revision ID: 20250402_0001
Revises: 20250401_0001
Create Date: 2025-04-02 16:09:51.440353
"""

from alembic import op

revision = "20250402_0001"
down_revision = "20250401_0001"


def upgrade() -> None:
    op.execute("CREATE ROLE unusual_reporting NOLOGIN")
    op.execute('CREATE ROLE "Unusual Relay"')
    op.execute("GRANT SELECT ON event_outbox TO unusual_reporting")
    op.execute('GRANT SELECT, UPDATE ON event_outbox TO "Unusual Relay"')


def downgrade() -> None:
    op.execute('REVOKE ALL ON event_outbox FROM unusual_reporting, "Unusual Relay"')
    op.execute('DROP ROLE unusual_reporting, "Unusual Relay"')
