"""Settings of the service."""

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.schema import CreateSchema
from sqlalchemy.types import UserDefinedType


class Base(DeclarativeBase):
    """The service's tables."""


class AuthorName(UserDefinedType[str]):
    """A domain, which migrations make."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Say its name."""
        return "author_name"


class Author(Base):
    """An author; the first table, which needs what migrations make."""

    __tablename__ = "authors"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(AuthorName)


class Essay(Base):
    """An essay, whose changes a trigger counts."""

    __tablename__ = "essays"
    __table_args__ = (
        sa.Index("ix_essays_title", "title", postgresql_concurrently=True),
        {"schema": "audit"},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    author: Mapped[int] = mapped_column(sa.ForeignKey("authors.id"))
    title: Mapped[str]
    changes: Mapped[int] = mapped_column(server_default="0")


FUNCTION = """CREATE FUNCTION audit.count_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.changes := NEW.changes + 1;
    RETURN NEW;
END $$"""
TRIGGER = (
    "CREATE TRIGGER count_changes BEFORE UPDATE ON audit.essays "
    "FOR EACH ROW EXECUTE FUNCTION audit.count_changes()"
)
sa.event.listen(Base.metadata, "before_create", CreateSchema("audit"))
sa.event.listen(Essay.__table__, "after_create", sa.DDL(FUNCTION))
sa.event.listen(Essay.__table__, "after_create", sa.DDL(TRIGGER))
