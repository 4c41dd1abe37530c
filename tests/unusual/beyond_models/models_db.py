"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""



class Essay(Base):
    """An essay."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(sa.String(200))
    batch_id: Mapped[int | None]
    mood: Mapped[str | None] = mapped_column(sa.Enum("good", "bad", name="mood"))


class Event(Base):
    """An event, in a table that the migrations divide."""

    __tablename__ = "events"
    __table_args__ = {"postgresql_partition_by": "RANGE (id)"}

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Essays(Base):
    """The number of essays, which a view says."""

    __tablename__ = "essay_counts"

    number: Mapped[int] = mapped_column(primary_key=True)


@sa.event.listens_for(Event.__table__, "after_create")
def divide(table: sa.Table, connection: sa.Connection, **_: object) -> None:
    """Make room for tests."""
    connection.execute(sa.text("CREATE TABLE events_rest PARTITION OF events DEFAULT"))
