"""Writes a monorepo of services with histories to migrate: `generate`.

Each service has settings, models, an `env.py` and a history that agree with each
other, so that every criterion is green. `heavy` services import through a shared
library what real ones import: a web framework, a client, a broker, telemetry.
"""

import shutil
from pathlib import Path

LIBRARY = '''"""What every service shares: importing it is most of a service's start."""

import uuid
from datetime import datetime
from enum import Enum

import aiohttp
import aiokafka
import boto3
import fastapi
import httpx
import openai
import opentelemetry.sdk.trace
import prometheus_client
import quart
import redis.asyncio
import sentry_sdk
import structlog
from pydantic import BaseModel, Field

router = fastapi.APIRouter()
logger = structlog.get_logger()


class Envelope(BaseModel):
    event_id: uuid.UUID
    occurred_at: datetime
    source: str = Field(min_length=1)
    trace: dict[str, str] = {}

{events}
'''

EVENT = '''
class State{n}(str, Enum):
    OPEN = "open"
    CLOSED = "closed"


class Event{n}(Envelope):
    subject: str = Field(max_length=200)
    state: State{n} = State{n}.OPEN
    amount: float | None = None
    tags: list[str] = []
'''

CONFIG = '''"""Settings, read from the environment when this module is imported."""

{heavy}from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="{prefix}_")

    database_url: str
    broker: str = "localhost:9092"
    topic: str = "{name}.events"
    pool_size: int = 5


settings = Settings()
'''

BASE = '''"""What the models of {name} have in common."""

from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    pass
'''

MODELS = '''"""Tables of {name}."""

{imports}
from .base import Base

__all__ = ["Base", {names}]
'''

OUTBOX_MODEL = '''"""The outbox of {name}."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class EventOutbox(Base):
    __tablename__ = "event_outbox"
    __table_args__ = (
        sa.Index("ix_event_outbox_unpublished", "published_at", "created_at",
                 postgresql_where=sa.text("published_at IS NULL")),
        sa.Index("ix_event_outbox_aggregate", "aggregate_type", "aggregate_id"),
    )
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    aggregate_type: Mapped[str] = mapped_column(sa.String(100))
    aggregate_id: Mapped[str] = mapped_column(sa.String(100))
    payload: Mapped[dict] = mapped_column(postgresql.JSONB)
    created_at: Mapped[object] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now())
    published_at: Mapped[object | None] = mapped_column(sa.DateTime(timezone=True))
'''

MODEL = '''"""Table {n} of {name}."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Mapped, mapped_column

from .base import Base


class Table{n}(Base):
    __tablename__ = "table_{n}"
    __table_args__ = (sa.Index("ix_table_{n}_owner", "owner", "created_at"),)
    id: Mapped[int] = mapped_column(sa.BigInteger, primary_key=True)
    owner: Mapped[str] = mapped_column(sa.String(200))
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("event_outbox.id", name="fk_table_{n}_parent"))
    state: Mapped[str] = mapped_column(
        postgresql.ENUM("open", "closed", name="state_{n}", create_type=False))
    notes: Mapped[str | None] = mapped_column(sa.Text)
    created_at: Mapped[object] = mapped_column(
        sa.DateTime(timezone=True), server_default=sa.func.now())
'''

ENV = '''import asyncio

from alembic import context
from services.{name}.config import settings
from services.{name}.models import Base
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine



def run(connection):
    context.configure(connection=connection, target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()


async def main():
    engine = create_async_engine(settings.database_url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(run)
    await engine.dispose()


asyncio.run(main())
'''

REVISION = '''"""{message}"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "{revision}"
down_revision = {parent!r}


def upgrade():
{upgrade}


def downgrade():
{downgrade}
'''

OUTBOX = (
    '''    op.create_table(
        "event_outbox",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("aggregate_type", sa.String(100), nullable=False),
        sa.Column("aggregate_id", sa.String(100), nullable=False),
        sa.Column("payload", postgresql.JSONB(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True)),
    )
    op.create_index("ix_event_outbox_unpublished", "event_outbox", ["published_at", "created_at"],
                    postgresql_where=sa.text("published_at IS NULL"))
    op.create_index("ix_event_outbox_aggregate", "event_outbox", ["aggregate_type", "aggregate_id"])''',
    '    op.drop_table("event_outbox")',
)

TABLE = (
    '''    state = postgresql.ENUM("open", "closed", name="state_{n}", create_type=False)
    state.create(op.get_bind())
    op.create_table(
        "table_{n}",
        sa.Column("id", sa.BigInteger(), primary_key=True),
        sa.Column("owner", sa.String(200), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), sa.ForeignKey("event_outbox.id", name="fk_table_{n}_parent")),
        sa.Column("state", state, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
    )
    op.create_index("ix_table_{n}_owner", "table_{n}", ["owner", "created_at"])''',
    '''    op.drop_table("table_{n}")
    op.execute("DROP TYPE state_{n}")''',
)

COLUMN = (
    '    op.add_column("table_{n}", sa.Column("notes", sa.Text()))',
    '    op.drop_column("table_{n}", "notes")',
)

NOTES = '''# {name}

## Preventing multiple heads

Run `alembic heads` before committing.

## Creating enums

Say `create_type=False` where the type exists.
'''


def generate(root, conventions, python, services, revisions, heavy=True):
    """A monorepo below `root` and its manifest, whose directory is returned. A service has
    so many `revisions`, or as many as are next in a list of numbers."""
    root = Path(root)
    shutil.rmtree(root, ignore_errors=True)
    libs = root / "libs"
    events = "".join(EVENT.format(n=n) for n in range(40))
    write(libs / "bench_core/__init__.py", LIBRARY.replace("{events}", events))
    manifest = root / "services-manifest"
    write(
        manifest / "defaults.toml",
        f'root = ".."\npython = "{python}"\ndriver = "asyncpg"\n'
        '[env]\nPYTHONPATH = "{root}:{root}/libs"\n'
        '[not_applicable]\ndeployed_schema = "no schema of these was accepted"\n',
    )
    shutil.copytree(conventions, manifest / "conventions")
    for number in range(services):
        length = revisions if isinstance(revisions, int) else revisions[number % len(revisions)]
        service(root, f"svc_{number:03}", length, heavy)
    return manifest


def service(root, name, revisions, heavy):
    directory = root / "services" / name
    prefix = name.upper()
    tables = range(1, 1 + (revisions - 1) // 2)
    write(directory / "__init__.py", "")
    core = "import bench_core\n" if heavy else ""
    write(directory / "config.py", CONFIG.format(name=name, prefix=prefix, heavy=core))
    models(directory / "models", name, tables)
    write(
        directory / "alembic.ini",
        "[alembic]\nscript_location = alembic\nfile_template = %%(rev)s\n",
    )
    write(directory / "alembic/env.py", ENV.format(name=name))
    write(directory / "README.md", NOTES.format(name=name))
    for revision, parent, (upgrade, downgrade) in history(tables):
        text = REVISION.format(
            message=f"Step {revision}", revision=revision, parent=parent,
            upgrade=upgrade, downgrade=downgrade,
        )
        write(directory / f"alembic/versions/{revision}.py", text)
    write(
        root / f"services-manifest/services/{name}.toml",
        f'path = "services/{name}"\ndatabase_url_env = "{prefix}_DATABASE_URL"\n',
    )


def models(package, name, tables):
    """A package with a module for each table, as services have them."""
    modules = {"outbox": "EventOutbox", **{f"table_{n}": f"Table{n}" for n in tables}}
    imports = "\n".join(f"from .{module} import {model}" for module, model in modules.items())
    names = ", ".join(f'"{model}"' for model in modules.values())
    write(package / "__init__.py", MODELS.format(name=name, imports=imports, names=names))
    write(package / "base.py", BASE.format(name=name))
    write(package / "outbox.py", OUTBOX_MODEL.format(name=name))
    for n in tables:
        write(package / f"table_{n}.py", MODEL.format(n=n, name=name))


def history(tables):
    """(revision, its parent, its two functions): an outbox, then each table twice."""
    steps = [OUTBOX]
    for n in tables:
        steps += [tuple(text.replace("{n}", str(n)) for text in step) for step in (TABLE, COLUMN)]
    parent = None
    for number, step in enumerate(steps, 1):
        yield f"{number:04}", parent, step
        parent = f"{number:04}"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
