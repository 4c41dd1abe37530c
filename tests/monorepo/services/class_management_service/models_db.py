"""Tables of the class management service."""

import enum
import uuid
from datetime import datetime
from decimal import Decimal

from common_core.domain_enums import CourseCode, enum_values
from common_core.outbox import EventOutboxMixin
from common_core.timestamps import TimestampMixin
from sqlalchemy import (
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Numeric,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """Base of every table of this service."""


class ValidationStatus(str, enum.Enum):
    """A teacher's answer to a suggested match of essay and student."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class_student_association = Table(
    "class_student_association",
    Base.metadata,
    Column("class_id", ForeignKey("classes.id", ondelete="CASCADE"), primary_key=True),
    Column("student_id", ForeignKey("students.id", ondelete="CASCADE"), primary_key=True),
)


class Course(Base):
    """A course that classes are held in."""

    __tablename__ = "courses"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    course_code: Mapped[CourseCode] = mapped_column(
        Enum(CourseCode, name="course_code_enum", values_callable=enum_values),
        unique=True,
    )
    name: Mapped[str] = mapped_column(String(255))
    language: Mapped[str] = mapped_column(String(10))


class UserClass(TimestampMixin, Base):
    """A class, owned by the teacher who created it."""

    __tablename__ = "classes"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    course_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("courses.id"))
    name: Mapped[str] = mapped_column(String(255))
    created_by_user_id: Mapped[str] = mapped_column(String(255), index=True)
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    course: Mapped[Course] = relationship()
    students: Mapped[list["Student"]] = relationship(
        secondary=class_student_association, back_populates="classes"
    )


class Student(TimestampMixin, Base):
    """A student, known to the teacher who entered them."""

    __tablename__ = "students"
    __table_args__ = (
        UniqueConstraint(
            "created_by_user_id", "external_student_id", name="uq_students_external_id"
        ),
        Index(
            "uq_students_email",
            "created_by_user_id",
            func.lower(text("email")),
            unique=True,
            postgresql_where=text("email IS NOT NULL"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    first_name: Mapped[str] = mapped_column(String(255))
    last_name: Mapped[str] = mapped_column(String(255))
    email: Mapped[str | None] = mapped_column(String(320))
    created_by_user_id: Mapped[str] = mapped_column(String(255), index=True)
    external_student_id: Mapped[str | None] = mapped_column(String(64))

    classes: Mapped[list[UserClass]] = relationship(
        secondary=class_student_association, back_populates="students"
    )


class EssayStudentAssociation(Base):
    """The student an essay was matched with."""

    __tablename__ = "essay_student_associations"
    __table_args__ = (
        CheckConstraint(
            "confidence_score >= 0 AND confidence_score <= 1",
            name="ck_essay_student_associations_confidence_score",
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    essay_id: Mapped[uuid.UUID] = mapped_column(unique=True)
    class_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("classes.id", ondelete="CASCADE"), index=True
    )
    student_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("students.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    confidence_score: Mapped[Decimal | None] = mapped_column(Numeric(4, 3))
    validation_status: Mapped[ValidationStatus] = mapped_column(
        Enum(
            ValidationStatus,
            name="association_validation_status_enum",
            values_callable=enum_values,
        ),
        server_default=ValidationStatus.PENDING.value,
    )
    validated_by: Mapped[str | None] = mapped_column(String(255))
    validated_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EventOutbox(EventOutboxMixin, Base):
    """Events about classes, students and essay associations."""
