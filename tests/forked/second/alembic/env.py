"""Runs the migrations of this service."""

from observe import migrate

migrate()
