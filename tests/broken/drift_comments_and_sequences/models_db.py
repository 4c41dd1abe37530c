"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""



tickets = sa.Sequence("tickets", start=1000, metadata=Base.metadata)


class Essay(Base):
    """An essay."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.UniqueConstraint("title", name="uq_essays_title", comment="one each"),
        {"comment": "what pupils write"},
    )

    id: Mapped[int] = mapped_column(sa.Identity(start=100, increment=10), primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200), comment="as on the cover")
    ticket: Mapped[int | None] = mapped_column(server_default=tickets.next_value())
