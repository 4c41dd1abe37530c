"""Settings of the service."""

from pathlib import Path

import sqlalchemy as sa
from settings import Registry, client, request, settings
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

__all__ = ["Base", "Essay", "Registry", "client", "request"]
__file__ = Path(__file__)  # type: ignore[assignment]


class Base(DeclarativeBase):
    """The service's tables."""


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(settings.title_length))
