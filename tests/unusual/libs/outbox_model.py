"""The event outbox as the shared library models it."""

import uuid
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, declarative_mixin, mapped_column


@declarative_mixin
class EventOutboxMixin:
    """The table and its indexes."""

    __tablename__ = "event_outbox"
    __table_args__ = (
        sa.Index(
            "ix_event_outbox_unpublished",
            "published_at",
            "created_at",
            postgresql_where=sa.text("published_at IS NULL"),
        ),
        sa.Index("ix_event_outbox_aggregate", "aggregate_type", "aggregate_id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=sa.text("gen_random_uuid()")
    )
    aggregate_type: Mapped[str] = mapped_column(sa.String(100))
    aggregate_id: Mapped[str] = mapped_column(sa.String(255))
    event_type: Mapped[str] = mapped_column(sa.String(255))
    event_data: Mapped[Any] = mapped_column(postgresql.JSONB)
    created_at: Mapped[datetime] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now()
    )
    published_at: Mapped[datetime | None] = mapped_column(sa.DateTime(timezone=True))
