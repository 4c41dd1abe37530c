"""Prints the SQL of a deployment, as `alembic upgrade <deployed>:head --sql` would.

Arguments: the service's directory, what is deployed, and where the shared modules are.
"""

import sys

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory

directory, deployed, libraries = sys.argv[1:]
sys.path.insert(0, libraries)
config = Config()
config.set_main_option("script_location", f"{directory}/alembic")
script = ScriptDirectory.from_config(config)


def upgrade(revision, context):
    return script._upgrade_revs("heads", revision)


environment = EnvironmentContext(
    config, script, fn=upgrade, as_sql=True, starting_rev=deployed, destination_rev="heads"
)
with environment:
    environment.configure(dialect_name="postgresql", output_buffer=sys.stdout, literal_binds=True)
    with environment.begin_transaction():
        environment.run_migrations()
