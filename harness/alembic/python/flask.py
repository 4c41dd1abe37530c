"""The application of a service that Flask-Migrate migrates: `application`.

`flask db upgrade` loads the application, pushes its context, tells Alembic where `env.py`
is, and lets the application change Alembic's configuration. The same is done here, with
Flask's and Flask-Migrate's own functions.
Sources: https://flask.palletsprojects.com/en/stable/cli/#application-discovery and
https://flask-migrate.readthedocs.io/en/latest/#api-reference
"""

import os
import sys
from contextlib import ExitStack, contextmanager

from migration_harness_door import door
from migration_harness_frames import modules_of


def application(named):
    """The value that `flask --app` would load, empty for Flask's own search; None for no application."""
    return NoApplication() if named is None else Application(named)


class Application:
    """Loaded when it is first needed: it reads the variables that name the database."""

    def __init__(self, named):
        self.named, self.loaded = named, None

    @door.ours
    def configure(self, config, words):
        """The settings that Flask-Migrate makes without the application: `env.py` lies beside the ini."""
        directory = os.path.dirname(config.config_file_name) or "."
        config.set_main_option("script_location", directory.replace("%", "%%"))
        sys.argv = ["flask", "db", *words]

    @contextmanager
    def context(self, config=None):
        """The application's context; gives the configuration as the application wants it."""
        with ExitStack() as stack:
            yield self.enter(stack, config)

    @door.ours
    def enter(self, stack, config):
        """Enters the context, which ends with the stack."""
        application = self.load()
        with door.theirs():
            stack.enter_context(application.app_context())
            extension = application.extensions.get("migrate")
            migrate = getattr(extension, "migrate", None)
        if config is None or migrate is None:  # env.py may do without
            return config
        with door.theirs():
            return migrate.call_configure_callbacks(config)

    def load(self):
        """Loads the application as the `flask` command does, once."""
        if self.loaded is None:
            with door.theirs():
                from flask import cli

                cli.load_dotenv()
            # `app.run()` at the top of a module looks at it, and does nothing.
            os.environ["FLASK_RUN_FROM_CLI"] = "true"
            named = self.named or os.environ.get("FLASK_APP")
            with door.theirs():
                self.loaded = cli.ScriptInfo(app_import_path=named).load_app()
        return self.loaded


class NoApplication:
    """Stands for the application of a service that Alembic alone migrates."""

    def configure(self, config, words):
        pass

    @contextmanager
    def context(self, config=None):
        yield config


def needs_application(error):
    """Tells whether Flask found no application, or `current_app` none that was pushed."""
    innermost = modules_of(error)[-1:]
    outside = isinstance(error, RuntimeError) and innermost in (["werkzeug.local"], ["flask.globals"])
    return outside or type(error).__name__ == "NoAppException"
