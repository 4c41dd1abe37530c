"""Drives Alembic inside a service's own interpreter and reports what it saw.

Started by the harness as ``python worker.py FD STACK_FILE DRIVER``, or forked off a
parent that was started as ``python worker.py fork PLAN DRIVER`` (see forks.py).
Commands come and answers go as JSON lines over the socket FD, so that nothing the
service prints can be mistaken for an answer; each line begins with a key that only
the two ends know. While a command runs, events are sent as they happen: if the
interpreter is ended, all that it did until then is known.

The service sees what it would see under the ``alembic`` command: its own working
directory, ``sys.argv``, ``config.cmd_opts``, and a connection that is its own.
"""

import faulthandler
import gc
import importlib
import importlib.util
import os
import signal
import sys
import time
import traceback

started = time.perf_counter()

# Lie beside this file, in a folder of this run alone: no bytecode is kept.
kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
from migration_harness_channel import channel  # noqa: E402
from migration_harness_commands import Worker, checked_out, command_line  # noqa: E402
from migration_harness_door import door  # noqa: E402
from migration_harness_guard import refusal_behind  # noqa: E402
from migration_harness_listeners import listen  # noqa: E402
from migration_harness_revisions import revisions  # noqa: E402
from migration_harness_source import described, exit_status  # noqa: E402

sys.dont_write_bytecode = kept

# That folder must not be importable by the service.
if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]


def preload(driver):
    """Imports what every service with this driver imports, before it is needed."""
    names = ["alembic.command", "alembic.config", "sqlalchemy", driver]
    if driver in ("asyncpg", "psycopg_async"):
        names.append("sqlalchemy.ext.asyncio")
    for name in names:
        try:
            if importlib.util.find_spec(name.split(".")[0]) is not None:
                importlib.import_module(name)
        except ImportError:
            continue


def prepare(driver):
    preload(driver)
    listen()
    command_line()
    revisions.watch()


def namespace_of(name):
    """The definitions of a script of the harness, without a module that a service could find."""
    path = os.path.join(os.path.dirname(__file__), name + ".py")
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    namespace = {"__name__": name}
    exec(code, namespace)
    return namespace


def fork_off(plan, driver):
    """The arguments of a worker, in a fork of this process."""
    worker = {"prepare": lambda: prepare(driver), "checked_out": checked_out}
    return namespace_of("forks")["serve"](plan, worker, namespace_of("preloaded"))


def answer_to(worker, message):
    """The answer to a command: what it returned, or what the service raised. A fault of the worker's own was
    reported, and the harness looks at no answer then."""
    try:
        return {"ok": getattr(worker, message["do"])(**message["with"])}
    except BaseException as error:
        raised = error
    try:
        if exit_status(raised) is None:  # what a process says when it exits is the service's
            traceback.print_exception(type(raised), raised, raised.__traceback__)
        if door.blame(raised):
            return {}
        return {"error": {**described(raised), "refused": refusal_behind(raised)}}
    except BaseException as error:
        door.blame(error)
        return {}


def main():
    global started
    fd, stack, driver = sys.argv[1:]
    forked = fd == "fork"
    if forked:
        fd, stack, driver = fork_off(stack, driver)
        started = time.perf_counter()
    channel.open(int(fd))
    faulthandler.register(signal.SIGUSR1, file=open(stack, "w"), all_threads=True)
    try:
        if not forked:
            prepare(driver)
        import alembic
        import sqlalchemy

        gc.freeze()  # what is imported stays: the collector need not look at it again
    except ImportError as error:
        channel.send(event="unusable", message=str(error), python=sys.version.split()[0])
        return
    channel.send(
        event="ready",
        python=sys.version.split()[0],
        alembic=alembic.__version__,
        sqlalchemy=sqlalchemy.__version__,
        seconds=time.perf_counter() - started,
        # pg8000 refuses a password that is hashed less often than it likes.
        strict_drivers=importlib.util.find_spec("pg8000") is not None,
    )
    worker = Worker()
    for message in channel.commands():
        answer = answer_to(worker, message)
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        channel.send(event="answer", **answer)


if __name__ == "__main__":
    main()
    os._exit(0)
