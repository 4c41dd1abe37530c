"""Settings of the service."""

from base import Base
from sqlalchemy.orm import Mapped, mapped_column


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(primary_key=True)
