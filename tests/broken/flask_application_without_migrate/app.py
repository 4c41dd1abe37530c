"""The application; a command of the service puts Flask-Migrate on it."""

import os

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

app = Flask(__name__)
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["ESSAYS_DATABASE_URL"]
db = SQLAlchemy(app)
