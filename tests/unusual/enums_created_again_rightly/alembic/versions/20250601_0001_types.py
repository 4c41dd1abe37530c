"""Types.

Revision ID: 20250601_0001
Revises:
Create Date: 2025-06-01 09:16:04.448272
"""

import sqlalchemy as sa
from alembic import op
from outbox import create_event_outbox, drop_event_outbox
from sqlalchemy.dialects import postgresql

revision = "20250601_0001"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TYPE dropped AS ENUM ('a', 'b')")
    op.execute("CREATE TYPE renamed AS ENUM ('a', 'b')")
    op.execute("CREATE TYPE moved AS ENUM ('a', 'b')")
    op.execute("CREATE TYPE guarded AS ENUM ('a', 'b')")
    sa.Enum("a", "b", name="asked_for").create(op.get_bind())
    op.create_table(
        "things",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("renamed", postgresql.ENUM(name="renamed", create_type=False)),
        sa.Column("by_table", sa.Enum("a", "b", name="by_table")),
    )
    create_event_outbox()


def downgrade() -> None:
    drop_event_outbox()
    op.drop_table("things")
    for name in ("by_table", "asked_for", "guarded", "moved", "renamed", "dropped"):
        op.execute(f"DROP TYPE {name}")
