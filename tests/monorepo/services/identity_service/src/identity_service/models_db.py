"""Tables of the identity service."""

import enum
import uuid
from datetime import datetime
from typing import Any

from common_core.domain_enums import enum_values
from common_core.outbox import EventOutboxMixin
from common_core.timestamps import TimestampMixin
from sqlalchemy import BigInteger, DateTime, Enum, ForeignKey, Index, String, func, text
from sqlalchemy.dialects.postgresql import INET, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of every table of this service."""


class UserRole(str, enum.Enum):
    """The rights of a user."""

    TEACHER = "teacher"
    SCHOOL_ADMIN = "school_admin"
    SUPPORT = "support"


user_role_enum = Enum(UserRole, name="user_role_enum", values_callable=enum_values)


class User(TimestampMixin, Base):
    """An account."""

    __tablename__ = "users"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[UserRole] = mapped_column(user_role_enum, server_default=UserRole.TEACHER.value)
    email_verified: Mapped[bool] = mapped_column(server_default=text("false"))
    failed_login_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefreshSession(Base):
    """A refresh token that was given out."""

    __tablename__ = "refresh_sessions"
    __table_args__ = (
        Index(
            "ix_refresh_sessions_active",
            "user_id",
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    jti: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RoleInvitation(Base):
    """An invitation to take a role."""

    __tablename__ = "role_invitations"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    email: Mapped[str] = mapped_column(String(320), index=True)
    role: Mapped[UserRole] = mapped_column(user_role_enum)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class UserAuditLog(Base):
    """An event of an account; rows outlive the account."""

    __tablename__ = "user_audit_log"
    __table_args__ = (Index("ix_user_audit_log_details", "details", postgresql_using="gin"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=True)
    user_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("users.id", ondelete="SET NULL", name="fk_user_audit_log_user")
    )
    action: Mapped[str] = mapped_column(String(100))
    ip_address: Mapped[str | None] = mapped_column(INET)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default=text("'{}'::jsonb"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class EventOutbox(EventOutboxMixin, Base):
    """Events about users and their sessions."""
