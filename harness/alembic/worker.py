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
import functools
import gc
import importlib
import importlib.util
import itertools
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import traceback
import weakref

started = time.perf_counter()

# Lies beside this file, in a folder of this run alone: no bytecode is kept.
kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
from migration_harness_guard import Guard, Target, connected_to  # noqa: E402
from migration_harness_models import Models  # noqa: E402
from migration_harness_revisions import Revisions  # noqa: E402

sys.dont_write_bytecode = kept

# That folder must not be importable by the service.
if sys.path and os.path.abspath(sys.path[0]) == os.path.dirname(os.path.abspath(__file__)):
    del sys.path[0]

SQL_KEPT = 4000  # characters of a statement that are reported
FRAMES_KEPT = 12  # innermost frames of a traceback that are reported


class Channel:
    """JSON lines over a socket that children of the service do not inherit."""

    def __init__(self, fd):
        self.socket = socket.socket(fileno=fd)
        self.socket.set_inheritable(False)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.owner = os.getpid()
        self.sending = threading.RLock()
        key = self.lines.readline().strip()
        # In no attribute: what is written to every open descriptor is no answer.
        self.keyed = lambda text: f"{key} {text}\n".encode("ascii")

    def send(self, **message):
        if os.getpid() != self.owner:
            return  # a fork of the interpreter has no part in the conversation
        line = self.keyed(json.dumps(message, default=str, ensure_ascii=True))
        with self.sending:
            self.socket.sendall(line)

    def commands(self):
        for line in self.lines:
            yield json.loads(line)
            if os.getpid() != self.owner:
                os._exit(1)


def report(**message):
    """Says it to the harness; the parent of forks has nobody to say it to."""
    if channel is not None:
        channel.send(**message)


channel = None
guard = Guard(report)
revisions = Revisions()
service = None  # the service's directory


# --- where a statement comes from -------------------------------------------


@functools.lru_cache(maxsize=None)
def position(code, instruction):
    """Line, column, end line and end column (1-based; columns from Python 3.11)."""
    if hasattr(code, "co_positions"):
        found = next(itertools.islice(code.co_positions(), instruction // 2, None), None)
        if found and found[0] is not None:
            line, end_line, column, end_column = found
            return {
                "line": line,
                "end_line": end_line or line,
                "column": None if column is None else column + 1,
                "end_column": None if end_column is None else end_column + 1,
            }
    return None


def absolute(name):
    return os.path.normpath(os.path.join(service or "", name))


def is_revision(module):
    return isinstance(module.get("revision"), str) and "down_revision" in module


def place_of(frame):
    """The innermost frame that runs in a revision file, as a place in the source."""
    while frame is not None:
        module = frame.f_globals
        if is_revision(module) and frame.f_code.co_filename != __file__:
            return {
                "revision": module["revision"],
                "file": absolute(frame.f_code.co_filename),
                **(position(frame.f_code, frame.f_lasti) or {"line": frame.f_lineno}),
            }
        frame = frame.f_back
    return None


# --- what the service does in the database ----------------------------------


class Recorder:
    """Turns SQLAlchemy's and Alembic's events into messages."""

    def __init__(self):
        self.number = 0
        self.running = {}  # id of a cursor -> (number, start, enum creations in it)
        self.muted = False
        self.in_enum = False
        self.engines = weakref.WeakSet()
        self.contexts = []

    def before(self, conn, cursor, statement, parameters, context, executemany):
        if self.muted:
            return
        self.number += 1
        place = place_of(sys._getframe(1))
        channel.send(event="statement", number=self.number, sql=statement[:SQL_KEPT], place=place)
        created = [] if self.in_enum else self.enums_in(cursor, statement, place)
        self.running[id(cursor)] = (self.number, time.perf_counter(), created)

    def after(self, conn, cursor, statement, parameters, context, executemany):
        number, start, created = self.running.pop(id(cursor), (None, 0.0, ()))
        if number is None:
            return
        channel.send(event="done", number=number, seconds=time.perf_counter() - start)
        for creation in created:
            labels = existing_labels(cursor, creation["name"], creation["schema"])
            channel.send(event="enum", number=number, after=labels, **creation)

    def failed(self, context):
        cursor = getattr(context.execution_context, "cursor", None)
        number, start, created = self.running.pop(id(cursor), (None, 0.0, ()))
        if number is None:
            return
        error = context.original_exception
        channel.send(
            event="failed",
            number=number,
            seconds=time.perf_counter() - start,
            sqlstate=sqlstate_of(error),
            message=first_line(error),
        )
        for creation in created:
            channel.send(event="enum", number=number, after=None, **creation)

    def enums_in(self, cursor, statement, place):
        """Enum types that a statement creates, with the labels each has before it."""
        return [
            {
                "name": name,
                "schema": schema,
                "labels": labels,
                "before": existing_labels(cursor, name, schema),
                "place": place,
                "how": "sql",
            }
            for schema, name, labels in created_enums(statement)
        ]

    def enum_through(self, create, generator, enum):
        """`ENUM.create`, also where `checkfirst` keeps it from running anything."""
        raw = getattr(generator.connection, "connection", None)
        if self.muted or raw is None or not enum.name:
            return create(generator, enum)
        cursor = raw.cursor()
        creation = {
            "name": str(enum.name),
            "schema": enum.schema and str(enum.schema),
            "labels": [str(label) for label in enum.enums],
            "place": place_of(sys._getframe(1)),
            "how": "checkfirst" if generator.checkfirst else "create",
        }
        creation["before"] = existing_labels(cursor, creation["name"], creation["schema"])
        number, self.in_enum = self.number, True
        after = None
        try:
            create(generator, enum)
            after = existing_labels(cursor, creation["name"], creation["schema"])
        finally:
            self.in_enum = False
            ran = self.number if self.number != number else None
            channel.send(event="enum", number=ran, after=after, **creation)


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def existing_labels(cursor, name, schema):
    """The labels of an enum type as they are now; None where there is no such type.

    Reads only the catalog, on the connection that creates the type, because only
    that one sees what its transaction did.
    """
    where = (
        f"n.nspname = {quoted(schema)}" if schema else "pg_catalog.pg_type_is_visible(t.oid)"
    )
    try:
        cursor.execute(
            "SELECT e.enumlabel FROM pg_catalog.pg_type t"
            " JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace"
            " LEFT JOIN pg_catalog.pg_enum e ON e.enumtypid = t.oid"
            f" WHERE t.typtype = 'e' AND t.typname = {quoted(name)} AND {where}"
            " ORDER BY e.enumsortorder"
        )
        rows = cursor.fetchall()
    except Exception:
        return None
    return [row[0] for row in rows if row[0] is not None] if rows else None


COMMENT = re.compile(r"('(?:[^']|'')*')|(\"[^\"]*\")|--[^\n]*|/\*.*?\*/", re.S)
NAME = r'(?:"(?:[^"]|"")+"|[A-Za-z_][\w$]*)'
CREATE_ENUM = re.compile(
    rf"\bcreate\s+type\s+(?:({NAME})\s*\.\s*)?({NAME})\s+as\s+enum\s*"
    r"\(\s*((?:'(?:[^']|'')*'\s*,?\s*)*)\)",
    re.I,
)
LABEL = re.compile(r"'((?:[^']|'')*)'")


def unquoted(name):
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def created_enums(statement):
    """(schema or None, name, labels) of each CREATE TYPE ... AS ENUM in a statement,
    also inside a DO block and inside a string that the block executes."""
    if "enum" not in statement.lower():
        return []
    text = COMMENT.sub(lambda m: m.group(1) or m.group(2) or " ", statement)
    found = CREATE_ENUM.findall(text) or CREATE_ENUM.findall(text.replace("''", "'"))
    return [
        (
            unquoted(schema) if schema else None,
            unquoted(name),
            [label.replace("''", "'") for label in LABEL.findall(labels)],
        )
        for schema, name, labels in found
    ]


def sqlstate_of(error):
    seen = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        for name in ("sqlstate", "pgcode"):
            state = getattr(error, name, None)
            if isinstance(state, str):
                return state
        error = getattr(error, "orig", None) or error.__cause__
    return None


def first_line(error):
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def unseen(listener):
    """A listener whose own fault is reported, and never becomes the service's."""

    @functools.wraps(listener)
    def listen(*args, **kwargs):
        try:
            return listener(*args, **kwargs)
        except Exception:
            channel.send(event="broken", trace=traceback.format_exc())

    return listen


recorder = Recorder()


# --- what is listened to ----------------------------------------------------


def check_connection_parameters(dialect, record, cargs, cparams):
    """Refuses a connection before it is opened, when its parameters tell."""
    if dialect.name != "postgresql":
        guard.refuse(f"a {dialect.name} database", None, None, None)
    if cargs and isinstance(cargs[0], str):
        return  # a connection string: the driver's own check, and the token, decide
    guard.check(cparams)


def check_token(connection, record):
    """Refuses an open connection that cannot show the token, before it is used."""
    if token_of(connection) != guard.target.token:
        guard.refuse("a database without the token", *connected_to(connection))
    record.info["migration_harness"] = guard.target.token


def token_of(connection):
    """What the database shows; it is asked as directly as the driver lets us."""
    question = "SELECT current_setting('migration_harness.token', true)"
    if hasattr(getattr(connection, "driver_connection", None), "fetchval"):  # asyncpg
        return connection.run_async(lambda driver: driver.fetchval(question))
    cursor = connection.cursor()
    cursor.execute(question)
    shown = cursor.fetchone()
    cursor.close()
    connection.rollback()
    return shown and shown[0]


def check_taken(connection, record, taken):
    """The same for a connection that was open before anything was listened to."""
    if record.info.get("migration_harness") != guard.target.token:
        check_token(connection, record)


def listen():
    from alembic.runtime import migration
    from sqlalchemy import event
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    event.listen(Engine, "do_connect", check_connection_parameters)
    event.listen(Pool, "connect", check_token)
    event.listen(Pool, "checkout", check_taken)
    event.listen(Engine, "before_cursor_execute", unseen(recorder.before))
    event.listen(Engine, "after_cursor_execute", unseen(recorder.after))
    event.listen(Engine, "handle_error", unseen(recorder.failed))
    event.listen(Engine, "engine_connect", lambda conn, *_: recorder.engines.add(conn.engine))
    guard.watch()

    generator = getattr(postgresql.ENUM, "DDLGenerator", None) or postgresql.ENUM.EnumGenerator
    create = generator.visit_enum
    generator.visit_enum = lambda self, enum: recorder.enum_through(create, self, enum)

    original_step = migration.RevisionStep.__init__

    def step(self, revision_map, revision, is_upgrade):
        if not hasattr(revision.module, "upgrade" if is_upgrade else "downgrade"):
            announce(revision, is_upgrade)
        original_step(self, revision_map, revision, is_upgrade)
        function = revisions.function(revision, "upgrade" if is_upgrade else "downgrade")
        self.migration_fn = reported(function, revision, is_upgrade)

    migration.RevisionStep.__init__ = step

    original_context = migration.MigrationContext.__init__

    def context(self, *args, **kwargs):
        original_context(self, *args, **kwargs)
        recorder.contexts.append(
            {"version_table": self.version_table, "schema": self.version_table_schema}
        )

    migration.MigrationContext.__init__ = context


def announce(revision, is_upgrade):
    channel.send(
        event="step",
        revision=revision.revision,
        direction="upgrade" if is_upgrade else "downgrade",
        file=os.path.join(service, str(revision.path)),
        message=revision.doc,
    )


def reported(function, revision, is_upgrade):
    """A revision's upgrade or downgrade that says when it starts and ends."""

    @functools.wraps(function)
    def run(*args, **kwargs):
        announce(revision, is_upgrade)
        start = time.perf_counter()
        value = function(*args, **kwargs)
        awaitable = hasattr(value, "__await__")
        if awaitable:
            value.close()
        channel.send(event="stepped", seconds=time.perf_counter() - start, awaitable=awaitable)
        return value

    return run


# --- commands ---------------------------------------------------------------


@functools.lru_cache(maxsize=None)
def command_line():
    """Alembic's parser of arguments; to build it takes longer than a command."""
    from alembic.config import CommandLine

    return CommandLine(prog="alembic").parser


def configuration(ini, section, url, *words):
    """What the `alembic` command would build from its arguments."""
    from alembic.config import Config

    arguments = ["-c", ini, "-n", section, *words]
    options = command_line().parse_args(arguments)
    sys.argv = ["alembic", *arguments]
    toml = {"toml_file": "pyproject.toml"} if "toml_file" in Config.__init__.__code__.co_varnames else {}
    config = Config(file_=ini, ini_section=section, cmd_opts=options, **toml)
    if url:
        config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class Worker:
    """Answers the harness's commands."""

    def open(self, environment, host, port, database, token, variables, directory, ini, section, url):
        global service
        os.environ.update(environment)
        wsgi = sys.modules.get("wsgiref.handlers")
        if wsgi is not None:  # imported with another environment
            wsgi.BaseHandler.os_environ = wsgi.read_environ()
        service = directory
        guard.open(Target(host, port, database, token, variables))
        self.ini, self.section, self.url = ini, section, url
        self.files = sys.stdout, sys.stderr
        return {}

    def history(self, directory, ini, section):
        global service
        from alembic.script import ScriptDirectory

        service = directory
        os.chdir(directory)
        config = configuration(ini, section, None, "history")
        self.scripts = ScriptDirectory.from_config(config)
        return history_of(self.scripts)

    def loaded(self):
        """The history as env.py finds it: revisions may import what env.py sets up first,
        such as an application's context, and env.py may say where they are. The command
        before this one has loaded it, if it got so far."""
        if revisions.scripts is None:
            self.run_env(lambda script, context: script.get_heads() and [], "upgrade", "head")
        self.scripts = revisions.scripts
        return history_of(self.scripts)

    def imports(self):
        """What this interpreter imported: modules of installed packages, in order, and
        the files of the service's side."""
        places = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
        checkouts = [top for place in places for top in checked_out(place)]
        scripts = revisions.scripts or self.scripts  # the latter where env.py never ran
        modules, files = [], [scripts.env_py_location]
        files += [script.path for script in scripts.walk_revisions("base", "heads")]
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            spec = getattr(module, "__spec__", None)
            if not file or not spec or spec.name != name:
                continue
            if any(file.startswith(place + os.sep) for place in places):
                if name.partition(".")[0] not in checkouts:
                    modules.append(name)
            elif own(file):
                files.append(file)
        files = [os.path.join(service, str(file)) for file in files]
        return {"modules": modules, "files": files, "places": places}

    def upgrade(self, revision):
        from alembic import command

        config = configuration(self.ini, self.section, self.url, "upgrade", revision)
        return self.drive(lambda: command.upgrade(config, revision))

    def touch(self):
        """Runs env.py without any revision: what is left is env.py's own."""
        return self.run_env(lambda script, context: [], "upgrade", "head")

    def downgrade(self, revision):
        """Takes back one revision, whatever its place in the graph.

        A relative identifier is ambiguous at a merge, and a parent's id takes whole
        branches back, so the one step is given to Alembic as it would make it itself
        (`ScriptDirectory._downgrade_revs`).
        """
        from alembic.runtime.migration import MigrationStep

        def steps(script, context):
            taken_back = script.get_revision(revision)
            return [MigrationStep.downgrade_from_script(script.revision_map, taken_back)]

        return self.run_env(steps, "downgrade", revision)

    def descend(self, revision):
        from alembic import command

        config = configuration(self.ini, self.section, self.url, "downgrade", revision)
        return self.drive(lambda: command.downgrade(config, revision))

    def models(self, extensions, functions):
        """Builds in this database what the models of env.py describe."""
        self.described = Models(described, own)

        def build(script, context):
            self.described.build(context, extensions, functions)
            return []

        answer = self.run_env(build, "upgrade", "head")
        return {**answer, **self.described.said()}

    def visible(self, objects):
        """Which objects env.py lets autogenerate see, in the order of the question."""
        return {"visible": [self.described.is_visible(**one) for one in objects]}

    def run_env(self, work, *words):
        """Runs env.py as a command would, with the steps that `work` says."""
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        config = configuration(self.ini, self.section, self.url, *words)

        def run():
            script = ScriptDirectory.from_config(config)
            with EnvironmentContext(
                config,
                script,
                fn=lambda heads, context: work(script, context),
                as_sql=False,
                starting_rev=None,
                destination_rev=words[-1],
            ):
                script.run_env()

        return self.drive(run)

    def drive(self, run):
        os.chdir(service)
        revisions.begin()
        recorder.contexts.clear()
        try:
            run()
        finally:
            sys.stdout, sys.stderr = self.files
            forget_connections()
        return {"contexts": recorder.contexts}


def history_of(scripts):
    """The revisions of a script directory, parents before children."""
    walked = list(scripts.walk_revisions("base", "heads"))
    return {
        "heads": list(scripts.get_heads()),
        "locations": [os.path.join(service, str(place)) for place in scripts._version_locations],
        "revisions": [
            {
                "id": script.revision,
                "down_revisions": texts(script.down_revision),
                "depends_on": texts(script.dependencies),
                "branch_labels": sorted(getattr(script, "_orig_branch_labels", ())),
                "message": script.doc,
                "file": os.path.join(service, str(script.path)),
            }
            for script in reversed(walked)
        ],
    }


def texts(value):
    if not value:
        return []
    return [value] if isinstance(value, str) else [str(item) for item in value]


def forget_connections():
    """Leaves no pooled connection for the next command: each would be a new process."""
    for engine in list(recorder.engines):
        try:
            engine.dispose()
        except BaseException:
            try:
                engine.dispose(close=False)
            except BaseException:
                pass
    recorder.engines.clear()
    recorder.running.clear()


def described(error):
    """An exception as data: what it says and where in the service it came from."""
    frames = []
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename.startswith("<"):
            continue  # not a file: a mako template, a string that is executed
        name = absolute(frame.f_code.co_filename)
        module = frame.f_globals
        frames.append(
            {
                "file": name,
                "line": line,
                "function": frame.f_code.co_name,
                "revision": module["revision"] if is_revision(module) else None,
            }
        )
    if isinstance(error, SyntaxError) and error.filename:
        name = absolute(error.filename)
        frames.append({"file": name, "line": error.lineno or 1, "function": "", "revision": None})
    cause = error.__cause__
    return {
        "type": type(error).__name__,
        "cause": type(cause).__name__ if cause is not None else None,
        "message": str(error),
        "sqlstate": sqlstate_of(error),
        "frames": [f for f in frames if f["revision"] or own(f["file"])][-FRAMES_KEPT:],
        "notes": [str(note) for note in getattr(error, "__notes__", ())],
    }


def own(name):
    """Whether a file belongs to the service's side: not to the harness, not to a package. A
    service may be installed as one itself."""
    rest = name[len(service) :] if service and name.startswith(service + os.sep) else name
    inside = not any(part in rest for part in ("site-packages", "dist-packages"))
    ours = os.path.dirname(name) == os.path.dirname(__file__)
    return inside and not ours and not name.startswith(sys.base_prefix)


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


def checked_out(place):
    """Names that were installed from a directory of somebody's own (PEP 610)."""
    for entry in os.listdir(place):
        try:
            with open(os.path.join(place, entry, "direct_url.json"), encoding="utf-8") as file:
                if "dir_info" not in json.load(file):
                    continue
            with open(os.path.join(place, entry, "RECORD"), encoding="utf-8") as file:
                yield from {re.split(r"[/.]", line, maxsplit=1)[0] for line in file}
        except (OSError, ValueError):
            continue


def prepare(driver):
    preload(driver)
    listen()
    command_line()
    revisions.watch()


def fork_off(plan, driver):
    """The arguments of a worker, in a fork of this process."""
    path = os.path.join(os.path.dirname(__file__), "forks.py")
    with open(path, encoding="utf-8") as file:
        code = compile(file.read(), path, "exec")
    namespace = {"__name__": "forks"}
    exec(code, namespace)
    return namespace["serve"](plan, lambda: prepare(driver))


def main():
    global channel, started
    fd, stack, driver = sys.argv[1:]
    forked = fd == "fork"
    if forked:
        fd, stack, driver = fork_off(stack, driver)
        started = time.perf_counter()
    channel = Channel(int(fd))
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
    )
    worker = Worker()
    for message in channel.commands():
        try:
            answer = {"ok": getattr(worker, message["do"])(**message["with"])}
        except BaseException as error:
            traceback.print_exc()
            answer = {"error": described(error)}
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        channel.send(event="answer", **answer)


if __name__ == "__main__":
    main()
    os._exit(0)
