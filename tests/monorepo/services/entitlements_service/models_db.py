"""Tables of the entitlements service.

Statuses are text with a CHECK constraint: they change more often than an enum
type would like.
"""

import uuid
from datetime import datetime

from common_core.outbox import EventOutboxMixin
from common_core.timestamps import TimestampMixin
from sqlalchemy import CheckConstraint, DateTime, Index, MetaData, String, func, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of every table of this service."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


class CreditBalance(TimestampMixin, Base):
    """The credits a user or an organisation has left."""

    __tablename__ = "credit_balances"
    __table_args__ = (
        CheckConstraint("subject_type IN ('user', 'org')", name="subject_type"),
        CheckConstraint("balance >= 0", name="balance"),
    )

    subject_type: Mapped[str] = mapped_column(String(10), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    balance: Mapped[int] = mapped_column(server_default=text("0"))


class CreditOperation(Base):
    """One consumption or refund of credits."""

    __tablename__ = "credit_operations"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'completed', 'failed', 'refunded')", name="status"),
        Index(
            "ix_credit_operations_subject",
            "subject_type",
            "subject_id",
            text("created_at DESC"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(
        primary_key=True, server_default=text("gen_random_uuid()")
    )
    subject_type: Mapped[str] = mapped_column(String(10))
    subject_id: Mapped[str] = mapped_column(String(255))
    metric: Mapped[str] = mapped_column(String(100))
    amount: Mapped[int]
    status: Mapped[str] = mapped_column(String(20), server_default="pending")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    correlation_id: Mapped[str | None] = mapped_column(String(255), unique=True)


class RateLimitBucket(Base):
    """The use of a metric by a subject in one window."""

    __tablename__ = "rate_limit_buckets"
    __table_args__ = (CheckConstraint('"count" >= 0', name="count"),)

    subject_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    metric: Mapped[str] = mapped_column(String(100), primary_key=True)
    window_start: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), primary_key=True, index=True
    )
    count: Mapped[int] = mapped_column(server_default=text("0"))


class EventOutbox(EventOutboxMixin, Base):
    """Events about credits and limits."""
