"""Base of the models."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The service's tables."""
