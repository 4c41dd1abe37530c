"""The application, which has a say in how it is migrated."""

import os

from alembic.config import Config
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()


class Order(db.Model):
    """An order."""

    __tablename__ = "orders"

    id = db.Column(db.Integer, primary_key=True)
    channel = db.Column(db.String(20), server_default="web", nullable=False)


@migrate.configure
def configure(config: Config) -> Config:
    """Change what Alembic is configured with."""
    config.set_main_option("version_table", "orders_version")
    return config


def make(name: str) -> Flask:
    """Make the application."""
    app = Flask(name)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["ORDERS_DATABASE_URL"]
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_pre_ping": True, "pool_size": 2}
    app.config["CHANNEL"] = "web"
    app.config["IGNORED_TABLES"] = ["spatial_ref_sys"]
    db.init_app(app)
    migrate.init_app(app, db, include_object=is_included)
    return app


def is_included(_object: object, name: str, kind: str, *_: object) -> bool:
    """Ask the application, also while nothing is migrated."""
    from flask import current_app

    return kind != "table" or name not in current_app.config["IGNORED_TABLES"]
