"""What the models are made of."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The service's tables."""
