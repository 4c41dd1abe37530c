"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import UserDefinedType


class Base(DeclarativeBase):
    """The service's tables."""


class Named(UserDefinedType[str]):
    """A type that migrations make."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        """Take its name in SQL."""
        self.name = name

    def get_col_spec(self, **_: object) -> str:
        """Say it."""
        return self.name


class Essay(Base):
    """An essay, in the words of a generator of models."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.Index("ix_essays_author", "author", postgresql_using="gin", postgresql_ops={"author": "ext.gin_trgm_ops"}),
        {"schema": "audit"},
    )

    id: Mapped[int] = mapped_column(server_default=sa.text("nextval('audit.essays_id_seq'::regclass)"), primary_key=True)
    number: Mapped[int] = mapped_column(sa.BigInteger, server_default=sa.text("nextval('audit.numbers')"))
    title: Mapped[str] = mapped_column(Named("audit.essay_title"))
    place: Mapped[str | None] = mapped_column(Named("audit.place"))
    author: Mapped[str | None] = mapped_column(sa.Text)
    sorted: Mapped[str | None] = mapped_column(sa.String(20, collation="as_bytes"))
    span: Mapped[str | None] = mapped_column(Named("audit.span"))
    status: Mapped[str | None] = mapped_column(Named("audit.essay_status"))
    key: Mapped[str | None] = mapped_column(sa.Text, server_default=sa.text("audit.essay_key('a')"))
    words: Mapped[str | None] = mapped_column(
        postgresql.TSVECTOR, sa.Computed("to_tsvector('audit.plain'::regconfig, author)", persisted=True)
    )


class Grade(Base):
    """A grade with a number of its own sequence."""

    __tablename__ = "grades"

    id: Mapped[int] = mapped_column(primary_key=True)
    given: Mapped[str | None] = mapped_column(postgresql.ENUM("open", "given", name="grade_status", create_type=False))
