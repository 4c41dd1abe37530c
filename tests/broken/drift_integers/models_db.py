"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    words: Mapped[int] = mapped_column(sa.SmallInteger)
    points: Mapped[int] = mapped_column(sa.BigInteger)
