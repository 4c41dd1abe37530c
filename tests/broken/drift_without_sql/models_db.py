"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class Essay(Base):
    """An essay, of parts of which SQLAlchemy can make no SQL."""

    __tablename__ = "essays"
    __table_args__ = (sa.Index("ix_essays_notes", "notes"), sa.UniqueConstraint("notes"))

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200))
    notes = sa.Column()
    state = mapped_column(sa.Enum("draft", "done"))


class Author(Base):
    """An author."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
