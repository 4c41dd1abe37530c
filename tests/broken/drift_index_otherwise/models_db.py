"""Settings of the service."""

import uuid

import sqlalchemy as sa
from outbox_model import EventOutboxMixin
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class EventOutbox(EventOutboxMixin, Base):
    """Events to be published."""


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.UniqueConstraint("title", name="essays_title_is_unique"),
        sa.Index("ix_essays_with_points", "points", postgresql_where=sa.text("points > 0")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    points: Mapped[int]
