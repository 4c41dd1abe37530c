"""The event outbox as the shared convention wants it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

TABLE = "event_outbox"


def create_event_outbox(schema: str | None = None) -> None:
    """Create the table and its indexes."""
    create_event_outbox_table(schema)
    create_unpublished_index(schema)
    create_aggregate_index(schema)


def create_event_outbox_table(schema: str | None = None) -> None:
    """Create the table without its indexes."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), primary_key=True),
        sa.Column("aggregate_type", sa.String(100), nullable=False),
        sa.Column("aggregate_id", sa.String(255), nullable=False),
        sa.Column("event_type", sa.String(255), nullable=False),
        sa.Column("event_data", postgresql.JSONB(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        schema=schema,
    )


def create_unpublished_index(schema: str | None = None) -> None:
    """Create the index of what is still to be published, oldest first."""
    op.create_index(
        "ix_event_outbox_unpublished",
        TABLE,
        ["published_at", "created_at"],
        schema=schema,
        postgresql_where=sa.text("published_at IS NULL"),
    )


def create_aggregate_index(schema: str | None = None) -> None:
    """Create the index of one aggregate's events."""
    op.create_index(
        "ix_event_outbox_aggregate", TABLE, ["aggregate_type", "aggregate_id"], schema=schema
    )


def drop_event_outbox(schema: str | None = None) -> None:
    """Drop the table, and its indexes with it."""
    op.drop_table(TABLE, schema=schema)
