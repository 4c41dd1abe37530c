"""Merge.

Revision ID: 20250721_0001
Revises: 20250707_0001, 20250714_0001
Create Date: 2025-07-21 12:37:43.472029
"""

revision = "20250721_0001"
down_revision = ("20250707_0001", "20250714_0001")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
