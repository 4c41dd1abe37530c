"""Merge events and accounts.

Revision ID: c6d31f8e07b2
Revises: 90a7d2c5e3f8, 4e8f1a3c6b07
Create Date: 2025-11-27 11:38:02.652526
"""

revision = "c6d31f8e07b2"
down_revision = ("90a7d2c5e3f8", "4e8f1a3c6b07")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
