"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class Essay(Base):
    """An essay, numbered by a function that models cannot describe."""

    __tablename__ = "essays"
    __table_args__ = (sa.Index("ix_essays_title", "title"),)

    number: Mapped[str] = mapped_column(primary_key=True, server_default=sa.text("essay_number()"))
    title: Mapped[str]
