"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class Author(Base):
    """An author."""

    __tablename__ = "authors"
    __table_args__ = (sa.UniqueConstraint("name", name="name_is_unique"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Essay(Base):
    """An essay, most of which PostgreSQL refuses."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.UniqueConstraint("name", name="name_is_unique"),
        sa.CheckConstraint("pages > 0", name="has_pages"),
        sa.Index("ix_essays_notes", "notes", postgresql_using="gin"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    length: Mapped[int] = mapped_column(server_default=sa.text("length_of(name)"))
    notes: Mapped[str | None]
    title: Mapped[str] = mapped_column(sa.String(200))
