"""Models of the service."""

import enum
import uuid

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all models."""


class Status(enum.Enum):
    """The stages of an essay."""

    NEW = "NEW"
    DONE = "DONE"


class Essay(Base):
    """One essay."""

    __tablename__ = "essays"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    status: Mapped[Status] = mapped_column(sa.Enum(Status, name="essay_status"))
