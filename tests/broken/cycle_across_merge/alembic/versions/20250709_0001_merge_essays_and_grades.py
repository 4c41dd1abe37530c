"""Merge essays and grades.

Revision ID: 20250709_0001
Revises: 20250707_0001, 20250708_0001
Create Date: 2025-07-09 10:19:01.519543
"""

revision = "20250709_0001"
down_revision = ("20250707_0001", "20250708_0001")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
