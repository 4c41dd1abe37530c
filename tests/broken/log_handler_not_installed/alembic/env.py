"""Runs the migrations of this service."""

import logging.config

from alembic_env import migrate

logging.config.dictConfig(
    {
        "version": 1,
        "handlers": {"console": {"class": "coloured_logs.Handler"}},
        "root": {"handlers": ["console"]},
    }
)

migrate()
