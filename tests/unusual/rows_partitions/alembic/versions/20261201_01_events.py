"""the events."""

from alembic import op

revision = "20261201_01"
down_revision = None


def upgrade() -> None:
    op.execute("CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL, note text) PARTITION BY RANGE (day)")
    op.execute("CREATE TABLE events_2026 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    op.execute("CREATE TABLE events_other PARTITION OF events DEFAULT")


def downgrade() -> None:
    op.drop_table("events")
