"""the measures of 2025."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE measures ATTACH PARTITION measures_2025"
        " FOR VALUES FROM ('2025-01-01') TO ('2026-01-01')"
    )
    # Of the partitions, indexes follow concurrently, and are attached to it.
    op.execute("CREATE INDEX ix_measures_value ON ONLY measures (value)")


def downgrade() -> None:
    op.execute("DROP INDEX ix_measures_value")
    op.execute("ALTER TABLE measures DETACH PARTITION measures_2025")
