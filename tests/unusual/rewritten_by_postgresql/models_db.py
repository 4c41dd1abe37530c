"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The service's tables."""



class Essay(Base):
    """An essay, with keys that `CREATE TABLE` makes one, and checks that it rewrites."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.UniqueConstraint("id", name="uq_essays_id"),
        sa.UniqueConstraint("title", name="uq_essays_title"),
        sa.CheckConstraint("points > 0"),
        sa.CheckConstraint("points < 100"),
        sa.CheckConstraint("points <> 7", name="ck_not_seven"),
        sa.Index("ix_open", "title", postgresql_where=sa.text("status IN ('draft', 'final')")),
    )

    id: Mapped[int] = mapped_column(primary_key=True, unique=True)
    title: Mapped[str] = mapped_column(sa.String(200), unique=True)
    status: Mapped[str] = mapped_column(
        sa.Enum("draft", "final", name="essay_status", native_enum=False, length=20, create_constraint=True)
    )
    language: Mapped[str] = mapped_column(
        sa.Enum("en", "sv", name="language", native_enum=False, length=20, create_constraint=True)
    )
    points: Mapped[int]
