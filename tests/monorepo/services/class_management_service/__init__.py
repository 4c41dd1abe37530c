"""Class management service."""
