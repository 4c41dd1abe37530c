"""Writes down what a service can observe of its process, then migrates.

`HOME` says where; a file `wait` there is waited for until it is gone.
"""

import asyncio
import atexit
import decimal
import gc
import json
import locale
import logging
import os
import random
import resource
import signal
import socket
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path

import psycopg  # noqa: F401  a package to share
from alembic import context
from pydantic_settings import BaseSettings
from sqlalchemy import Connection, pool
from sqlalchemy.ext.asyncio import create_async_engine

HOME = Path(os.environ["HOME"])


class Settings(BaseSettings):
    """Read when this module is imported."""

    database_url: str


settings = Settings()


def migrate() -> None:
    """Observe, wait, migrate."""
    service = os.environ["SERVICE"]
    (HOME / f"{service}.json").write_text(json.dumps(observed(), default=repr))
    (HOME / f"{service}.random").write_text(repr(random.random()))
    (HOME / f"{service}.pid").write_text(str(os.getpid()))
    deadline = time.monotonic() + 50
    while (HOME / "wait").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    asyncio.run(_migrate())


async def _migrate() -> None:
    engine = create_async_engine(settings.database_url, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run_migrations)
    await engine.dispose()


def _run_migrations(connection: Connection) -> None:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


def observed() -> dict[str, object]:
    """Everything that an interpreter started for this service alone would show."""
    return {**of_process(), **of_interpreter(), **of_streams(), **of_libraries()}


def of_process() -> dict[str, object]:
    """Facts that the kernel knows."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    fds = [fd for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]
    shown = Path("/proc/self/environ").read_bytes().split(b"\0")
    return {
        "cwd": os.getcwd(),
        "environ": {name: masked(name, value) for name, value in sorted(os.environ.items())},
        "marks": [len(line) for line in shown if line.startswith(b"MIGRATION_HARNESS_LEASH=")],
        "fds": {fd: kind(f"/proc/self/fd/{fd}") for fd in sorted(fds, key=int)},
        "inheritable": [fd for fd in fds if os.get_inheritable(int(fd))],
        "name": status["Name"],
        "threads": status["Threads"],
        "signals": {name: status[name] for name in ("SigBlk", "SigIgn", "SigCgt")},
        "handlers": {int(n): signal.getsignal(n) for n in sorted(signal.valid_signals())},
        "leader": os.getpgrp() == os.getppid(),
        "session": os.getsid(0) == os.getpid(),
        "terminal": [os.isatty(fd) for fd in range(3)],
        "umask": status["Umask"],
        "nice": os.nice(0),
        "limits": [resource.getrlimit(n) for n in range(16)],
    }


def of_interpreter() -> dict[str, object]:
    """Facts that the sys module and its like know."""
    main = sys.modules["__main__"]
    return {
        "argv": sys.argv,
        "orig_argv": [masked("argv", word) for word in sys.orig_argv],
        "executable": [sys.executable, sys.prefix, sys.base_prefix],
        "flags": repr(sys.flags),
        "path": sys.path,
        "importers": [[type(one).__name__ for one in sys.meta_path], len(sys.path_hooks)],
        "modules": sorted(sys.modules),
        "files": {name: where(module) for name, module in sorted(sys.modules.items())},
        "submodules": sorted(submodules()),
        "main": [main.__name__, os.path.basename(main.__file__), sorted(vars(main))],
        "hooks": [repr(sys.excepthook), repr(sys.displayhook), repr(threading.excepthook)],
        "tracing": [sys.gettrace(), sys.getprofile(), sys.getrecursionlimit()],
        "collector": [gc.isenabled(), gc.get_threshold(), gc.callbacks],
        "bytecode": [sys.dont_write_bytecode, sys.pycache_prefix],
        "python threads": [thread.name for thread in threading.enumerate()],
        "main thread": threading.current_thread() is threading.main_thread(),
        "atexit": atexit._ncallbacks(),
        "warnings": sorted(map(repr, warnings.filters)),
    }


def where(module: object) -> list[str]:
    """The file of a module, and what loaded it."""
    spec = getattr(module, "__spec__", None)
    file = str(getattr(module, "__file__", None))
    return [masked("argv", file), type(getattr(spec, "loader", None)).__name__]


def submodules() -> list[str]:
    """Modules that packages hold as attributes."""
    return [
        f"{name}.{leaf}"
        for name, module in sys.modules.items()
        for leaf, value in list(vars(module).items())
        if isinstance(value, type(sys)) and value.__name__ == f"{name}.{leaf}"
    ]


def of_streams() -> dict[str, object]:
    """Standard input, output and error."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    return {
        "streams": [
            [s.name, s.mode, s.encoding, s.errors, s.line_buffering, s.isatty(), s.seekable()]
            for s in streams
        ],
        "originals": [
            a is b for a, b in zip(streams, (sys.__stdin__, sys.__stdout__, sys.__stderr__))
        ],
        "input": sys.stdin.read(),
    }


def of_libraries() -> dict[str, object]:
    """Settings that a package might have changed for everyone."""
    root = logging.root
    loggers = logging.root.manager.loggerDict
    return {
        "logging": [root.level, repr(root.handlers), root.manager.disable, sorted(loggers)],
        "disabled": sorted(name for name, one in loggers.items() if getattr(one, "disabled", 0)),
        "locale": [locale.setlocale(locale.LC_ALL), time.tzname],
        "temporary": tempfile.gettempdir(),
        "sockets": socket.getdefaulttimeout(),
        "decimal": repr(decimal.getcontext()),
        "events": type(asyncio.get_event_loop_policy()).__name__,
    }


def masked(name: str, value: str) -> str:
    """A value without what is different in each run."""
    if name == "DATABASE_URL":
        return value.split(":")[0]
    if name == "MIGRATION_HARNESS_LEASH":
        return str(len(value))
    if name == "argv" and "/runs/" in value:
        return value.split("/")[-1]
    return value


def kind(path: str) -> str:
    """Tells whether a descriptor is a pipe, a socket or which file."""
    target = os.readlink(path).split(":")[0]
    return os.path.basename(target)
