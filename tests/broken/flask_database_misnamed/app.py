"""The application."""

import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get(
    "ESSAY_DATABASE_URL", "postgresql+psycopg2://essays@db.internal/essays"
)
Migrate(app, SQLAlchemy(app))
