"""The commands of the harness: `Worker`."""

import functools
import json
import os
import re
import sys
from importlib.machinery import ModuleSpec

from migration_harness_asked import asked
from migration_harness_commits import Commits
from migration_harness_door import door
from migration_harness_flask import application
from migration_harness_guard import Target, guard
from migration_harness_models import Models
from migration_harness_places import attribute, isinstance_of, module_file
from migration_harness_probe import Probe
from migration_harness_recorder import recorder
from migration_harness_revisions import revisions
from migration_harness_running import Running, mapped_to
from migration_harness_source import described, own, source
from migration_harness_writer import Writer


@functools.lru_cache(maxsize=None)
def command_line():
    """Alembic's parser of arguments; to build it takes longer than a command."""
    from alembic.config import CommandLine

    return CommandLine(prog="alembic").parser


def configuration(ini, section, url, x, *words):
    """The configuration that the `alembic` command would build from its arguments."""
    from alembic.config import Config

    given = [word for pair in x for word in ("-x", pair)]
    arguments = ["-c", ini, "-n", section, *given, *words]
    options = command_line().parse_args(arguments)
    sys.argv = ["alembic", *arguments]
    toml = {"toml_file": "pyproject.toml"} if "toml_file" in Config.__init__.__code__.co_varnames else {}
    config = Config(file_=ini, ini_section=section, cmd_opts=options, **toml)
    if url:
        config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


class Worker:
    """Answers the harness's commands."""

    scripts = None
    release = None

    def open(
        self,
        environment,
        host,
        port,
        database,
        token,
        variables,
        directory,
        ini,
        section,
        x,
        flask_app,
        url,
    ):
        os.environ.update(environment)
        wsgi = sys.modules.get("wsgiref.handlers")
        if wsgi is not None:  # imported with another environment
            wsgi.BaseHandler.os_environ = wsgi.read_environ()
        source.directory = directory
        guard.open(Target(host, port, database, token, variables))
        self.ini, self.section, self.x, self.url = ini, section, x, url
        self.application = application(flask_app)
        self.files = sys.stdout, sys.stderr
        return {"kernel": guard.kernel}

    def history(self, directory, ini, section, flask_app):
        from alembic.script import ScriptDirectory

        source.directory = directory
        os.chdir(directory)
        with door.theirs():
            config = configuration(ini, section, None, [], "history")
            application(flask_app).configure(config, ["history"])
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
        """The imports of this interpreter: modules of installed packages, in order, and
        the files of the service's side."""
        places = [p for p in sys.path if os.path.basename(p) in ("site-packages", "dist-packages")]
        checkouts = [top for place in places for top in checked_out(place)]
        scripts = revisions.scripts or self.scripts  # the latter where env.py never ran
        if scripts is None:
            return None  # no revision was loaded here
        modules, files = [], [scripts.env_py_location]
        with door.theirs():
            files += [script.path for script in scripts.walk_revisions("base", "heads")]
        for name, module in list(sys.modules.items()):
            file, spec = module_file(module), attribute(module, "__spec__")
            if not file or not isinstance_of(spec, ModuleSpec) or spec.name != name:
                continue
            if any(file.startswith(place + os.sep) for place in places):
                if name.partition(".")[0] not in checkouts:
                    modules.append(name)
            elif own(file):
                files.append(file)
        files = [os.path.join(source.directory, str(file)) for file in files]
        return {"modules": modules, "files": files, "places": places}

    def configuration(self, *words):
        """Alembic's, of this service; a file that cannot be read is the service's fault."""
        with door.theirs():
            config = configuration(self.ini, self.section, self.url, self.x, *words)
            self.application.configure(config, words)
        asked.begin(config)
        return config

    def upgrade(self, revision):
        from alembic import command

        config = self.configuration("upgrade", revision)
        return self.drive(config, lambda config: command.upgrade(config, revision))

    def measure(self, revision, flushes, within):
        """The same, with what each statement locks and reads."""
        recorder.probe = Probe(flushes, within)
        try:
            return self.upgrade(revision)
        finally:
            recorder.probe = None

    def watch(self, revision):
        """The same, waiting where a transaction has been committed."""
        recorder.commits = Commits()
        try:
            return self.upgrade(revision)
        finally:
            recorder.commits = None

    def merge(self, revisions):
        """Writes a revision that merges others, as `alembic merge` does."""
        return self.write(Writer.merge, "merge", "-m", "merge heads", *revisions)

    def revision(self, message, upgrade, downgrade):
        """Writes a revision with these lines of Python."""
        writer = functools.partial(Writer.revision, upgrade=upgrade, downgrade=downgrade)
        return self.write(writer, "revision", "-m", message)

    def autogenerate(self, message):
        """Writes what the models have and this database has not."""
        return self.write(Writer.autogenerate, "revision", "--autogenerate", "-m", message)

    def write(self, write, *words):
        def run(config):
            with Writer.template(config):
                write(config, config.cmd_opts)

        return self.drive(self.configuration(*words), run)

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

        config = self.configuration("downgrade", revision)
        return self.drive(config, lambda config: command.downgrade(config, revision))

    def models(self, foundation, schema):
        """Builds in this database what the models of env.py describe."""
        self.described = Models(described, own)

        @door.ours
        def build(script, context):
            self.described.build(context, foundation, schema)
            return []

        answer = self.run_env(build, "upgrade", "head")
        return {**answer, **self.described.said()}

    def running(self, now, then, given, stage):
        """Tries what the models of env.py do with their tables, and the statements that are
        given; the service is imported from the directory `then` in the place of `now`."""
        recorder.is_patient = False
        if stage == "meanwhile":
            try:
                return self.release.again()
            finally:
                forget_connections()
        if self.release is None:
            mapped_to(now, then)
            self.release = Running(own, given)
        said = {}

        @door.ours
        def run(script, context):
            said.update(self.release.run(context, stage == "after"))
            return []

        return {**self.run_env(run, "upgrade", "head"), **said}

    def visible(self, objects):
        """The objects that env.py lets autogenerate see, in the order of the question."""
        filters = self.described.filters()
        with self.application.context():
            return {"visible": [filters.is_visible(**one) for one in objects]}

    def run_env(self, work, *words):
        """Runs env.py as a command would, with the steps that `work` says."""
        from alembic.runtime.environment import EnvironmentContext
        from alembic.script import ScriptDirectory

        def run(config):
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

        return self.drive(self.configuration(*words), run)

    def drive(self, config, run):
        os.chdir(source.directory)
        revisions.begin()
        recorder.contexts.clear()
        exited = None
        try:
            with door.theirs(), self.application.context(config) as config:
                run(config)
        except SystemExit as error:
            if not is_success(error):
                raise
            exited = described(error)
        finally:
            sys.stdout, sys.stderr = self.files
            forget_connections()
        return {"contexts": recorder.contexts, "exited": exited}


def is_success(error):
    """Tells whether a process that ends by this exception has the exit status 0."""
    code = error.code
    return code is None or (isinstance(code, int) and code & 0xFF == 0)


def history_of(scripts):
    """The revisions of a script directory, parents before children."""
    with door.theirs():
        walked = list(scripts.walk_revisions("base", "heads"))
        heads = list(scripts.get_heads())
    return {
        "heads": heads,
        "locations": [os.path.join(source.directory, str(place)) for place in scripts._version_locations],
        "revisions": [
            {
                "id": script.revision,
                "down_revisions": texts(script.down_revision),
                "depends_on": texts(script.dependencies),
                "branch_labels": sorted(getattr(script, "_orig_branch_labels", ())),
                "message": script.doc,
                "file": os.path.join(source.directory, str(script.path)),
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
    recorder.connection = None
    recorder.engines.clear()
    recorder.running.clear()


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
