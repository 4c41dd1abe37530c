"""the totals of today."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("REFRESH MATERIALIZED VIEW totals")


def downgrade() -> None:
    pass
