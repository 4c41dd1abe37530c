"""bodies are jsonb."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("ALTER TABLE events ALTER COLUMN body TYPE jsonb")


def downgrade() -> None:
    op.execute("ALTER TABLE events ALTER COLUMN body TYPE json")
