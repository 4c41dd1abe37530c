"""notes are required."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("UPDATE events SET note = '' WHERE note IS NULL")
    op.execute("ALTER TABLE events ALTER COLUMN note SET NOT NULL")


def downgrade() -> None:
    op.execute("ALTER TABLE events ALTER COLUMN note DROP NOT NULL")
