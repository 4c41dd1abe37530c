"""Configurations of the application."""

import os


class Production:
    """Read from the environment."""

    SQLALCHEMY_DATABASE_URI = os.environ.get("ESSAYS_DATABASE_URL")
