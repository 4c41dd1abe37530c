"""Settings of the service."""

import enum
import uuid

import sqlalchemy as sa
from outbox_model import EventOutboxMixin
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class EventOutbox(EventOutboxMixin, Base):
    """Events to be published."""


class EssayStatus(enum.Enum):
    """The stages of an essay."""

    draft = "draft"
    final = "final"


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.CheckConstraint("points >= 0", name="ck_essays_points"),
        sa.Index("ix_essays_draft", "title", postgresql_where=sa.text("status = 'draft'")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200), unique=True)
    status: Mapped[EssayStatus] = mapped_column(sa.Enum(EssayStatus, name="essay_status"))
    points: Mapped[int] = mapped_column(server_default="0")
