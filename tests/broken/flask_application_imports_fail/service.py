"""The service's application."""

import os

import pkg_resources_of_essays  # noqa: F401
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["ESSAYS_DATABASE_URL"]
Migrate(app, SQLAlchemy(app))
