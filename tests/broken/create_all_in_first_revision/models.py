"""Models of the service."""

import uuid

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all models."""


class Essay(Base):
    """One essay."""

    __tablename__ = "essays"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    title: Mapped[str | None]
