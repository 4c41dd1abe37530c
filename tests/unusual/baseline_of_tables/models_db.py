"""The models as they are after the migrations."""

import sqlalchemy as sa
from outbox_model import EventOutboxMixin
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """The metadata that env.py names."""


class EventOutbox(EventOutboxMixin, Base):
    """The shared outbox."""


class Essay(Base):
    """A table from before the first revision, with a column that one adds."""

    __tablename__ = "essays"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    title: Mapped[str | None] = mapped_column(sa.Text)
    state: Mapped[str] = mapped_column(
        postgresql.ENUM("draft", "done", name="essay_state"), server_default="draft"
    )
    pages: Mapped[int | None]
