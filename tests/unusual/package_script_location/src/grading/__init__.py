"""Grades of essays."""
