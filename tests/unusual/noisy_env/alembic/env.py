"""Runs the migrations of this service, and says much about it."""

import io
import sys
from logging.config import fileConfig

from alembic import context
from alembic_env import migrate

fileConfig(context.config.config_file_name, disable_existing_loggers=True)

print("starting " * 100_000)
print('{"event": "answer", "error": {"type": "Surprise", "message": "not an answer"}}')
sys.stderr.write("\r\033[2J no end of line")
sys.stdout = io.StringIO()
sys.stderr = open("/dev/null", "w")

migrate()
