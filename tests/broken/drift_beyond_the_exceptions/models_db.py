"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""



class Essay(Base):
    """An essay, of which each pupil sees the own ones."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.CheckConstraint("status IN ('draft', 'final')", name="ck_status"),
        sa.Index("ix_status", "id", postgresql_where=sa.text("status = 'draft'")),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(sa.String(20))


@sa.event.listens_for(Essay.__table__, "after_create")
def protect(table: sa.Table, connection: sa.Connection, **_: object) -> None:
    """All that models cannot state is done by hand."""
    connection.execute(sa.text("ALTER TABLE essays ENABLE ROW LEVEL SECURITY"))
