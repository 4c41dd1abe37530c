"""Tables of the essay lifecycle service."""

import uuid
from datetime import datetime
from typing import Any

from common_core.domain_enums import EssayStatus, enum_values
from common_core.outbox import EventOutboxMixin
from common_core.timestamps import TimestampMixin
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of every table of this service."""


essay_status_enum = Enum(EssayStatus, name="essay_status_enum", values_callable=enum_values)


class EssayState(TimestampMixin, Base):
    """The state of one essay; `version` guards against lost updates."""

    __tablename__ = "essay_states"

    essay_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    batch_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    current_status: Mapped[EssayStatus] = mapped_column(
        essay_status_enum, server_default=EssayStatus.UPLOADED.value, index=True
    )
    processing_metadata: Mapped[dict[str, Any]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb")
    )
    version: Mapped[int] = mapped_column(server_default=text("1"))
    storage_references: Mapped[dict[str, str]] = mapped_column(
        JSONB, server_default=text("'{}'::jsonb")
    )

    __mapper_args__ = {"version_id_col": version}


class EssayStatusHistory(Base):
    """One change of an essay's status."""

    __tablename__ = "essay_status_history"
    __table_args__ = (Index("ix_essay_status_history_essay", "essay_id", text("changed_at DESC")),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    essay_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("essay_states.essay_id", ondelete="CASCADE")
    )
    from_status: Mapped[EssayStatus | None] = mapped_column(essay_status_enum)
    to_status: Mapped[EssayStatus] = mapped_column(essay_status_enum)
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class BatchEssayTracker(TimestampMixin, Base):
    """The number of essays that a batch waits for, and until when."""

    __tablename__ = "batch_essay_trackers"
    __table_args__ = (
        CheckConstraint(
            "expected_essay_count > 0",
            name="ck_batch_essay_trackers_expected_essay_count",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    expected_essay_count: Mapped[int]
    deadline_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    correlation_id: Mapped[uuid.UUID | None]


class SlotAssignment(Base):
    """The uploaded text that fills one slot of a batch."""

    __tablename__ = "slot_assignments"
    __table_args__ = (
        UniqueConstraint("batch_tracker_id", "essay_id", name="uq_slot_assignments_tracker_essay"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    batch_tracker_id: Mapped[int] = mapped_column(
        ForeignKey("batch_essay_trackers.id", ondelete="CASCADE")
    )
    essay_id: Mapped[uuid.UUID]
    text_storage_id: Mapped[str] = mapped_column(String(255))


class EventOutbox(EventOutboxMixin, Base):
    """Events about essays and their batches."""
