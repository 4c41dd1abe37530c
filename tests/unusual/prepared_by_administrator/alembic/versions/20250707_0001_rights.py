"""Objects that lean on what an administrator prepared, in every database and after each downgrade.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"

SEEN = """
SELECT current_setting('search_path'), current_setting('prepared.note'),
  current_setting('max_locks_per_transaction'),
  has_database_privilege('prepared_app', current_database(), 'CREATE'),
  (SELECT count(*) FROM pg_roles WHERE rolname = 'prepared_app')
"""


def upgrade() -> None:
    seen = tuple(op.get_bind().execute(sa.text(SEEN)).one())
    assert seen == ("public, reports", "it's; here", "100", True, 1), seen
    op.create_table("totals", sa.Column("id", sa.Uuid(), primary_key=True), schema="reports")
    op.execute("GRANT SELECT ON event_outbox TO prepared_app")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON event_outbox FROM prepared_app")
    op.drop_table("totals", schema="reports")
