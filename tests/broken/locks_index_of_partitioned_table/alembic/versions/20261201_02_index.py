"""measures are looked up by day."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.create_index("ix_measures", "measures", ["at"])


def downgrade() -> None:
    op.drop_index("ix_measures", "measures")
