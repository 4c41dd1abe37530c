"""The application."""

import os

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["ESSAYS_DATABASE_URL"]
Migrate(app, SQLAlchemy(app))
