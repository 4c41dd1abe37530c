"""The transactional outbox, with the indexes the relay worker reads it by."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, Index, String, Text, func, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column


class EventOutboxMixin:
    """An event that is written with the change it reports and published later."""

    __tablename__ = "event_outbox"

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )
    aggregate_type: Mapped[str] = mapped_column(String(100))
    aggregate_id: Mapped[str] = mapped_column(String(255))
    event_type: Mapped[str] = mapped_column(String(255))
    event_data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    topic: Mapped[str] = mapped_column(String(255))
    retry_count: Mapped[int] = mapped_column(server_default=text("0"))
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Index, ...]:
        return (
            Index(
                "ix_event_outbox_unpublished",
                "published_at",
                "created_at",
                postgresql_where=text("published_at IS NULL"),
            ),
            Index("ix_event_outbox_aggregate", "aggregate_type", "aggregate_id"),
        )
