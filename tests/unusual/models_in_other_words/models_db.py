"""Settings of the service."""

import enum
import uuid
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from outbox_model import EventOutboxMixin
from sqlalchemy.dialects import postgresql
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
    status: Mapped[EssayStatus] = mapped_column(postgresql.ENUM(EssayStatus, name="essay_status", create_type=False))
    points: Mapped[int] = mapped_column(server_default="0")


class Grade(Base):
    """A grade; its table had another name once, and its sequence still has."""

    __tablename__ = "grades"

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str | None] = mapped_column(postgresql.ENUM(name="grade_status", create_type=False))
    given_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    weight: Mapped[Decimal] = mapped_column(sa.Numeric(6, 2), server_default="0")
    tags: Mapped[list[str]] = mapped_column(postgresql.ARRAY(sa.Text), server_default="{}")
