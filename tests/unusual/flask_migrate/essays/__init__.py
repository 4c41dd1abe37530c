"""The application, made by a factory that needs to know which configuration it has."""

from flask import Flask

from essays.extensions import db, migrate


def create_app(name: str) -> Flask:
    """Make the application; its models are known once their module is imported."""
    app = Flask(__name__)
    app.config.from_object(f"essays.settings.{name.capitalize()}")
    db.init_app(app)
    migrate.init_app(app, db)

    from essays import models  # noqa: F401

    return app
