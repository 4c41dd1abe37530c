"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""



class Essay(Base):
    """An essay."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    slug: Mapped[str] = mapped_column(sa.String(80))
    summary: Mapped[str]
    topic: Mapped[str | None]
