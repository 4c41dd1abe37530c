"""The application: it can be made but once in a process, and lays tables of its own when made."""

import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
made = []


def create_app() -> Flask:
    """Make the application, and the table that its security manager needs."""
    if made:
        raise ValueError("the application was made before in this process")
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["ROLES_DATABASE_URL"]
    db.init_app(app)
    Migrate(app, db)
    with app.app_context(), db.engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS permissions (id integer PRIMARY KEY)")
    made.append(app)
    return app
