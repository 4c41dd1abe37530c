"""Migrates the service's database on whatever server the URL names."""

import os

from alembic_env import migrate
from sqlalchemy import make_url

url = make_url(os.environ["DATABASE_URL"]).set(database="essays_production")
os.environ["SERVICE_DATABASE_URL"] = url.render_as_string(hide_password=False)

migrate("SERVICE_DATABASE_URL")
