"""Branches c and d.

Revision ID: 20250711_0001
Revises: 20250708_0001, 20250709_0001
Create Date: 2025-07-11 10:00:00.000000
"""

revision = "20250711_0001"
down_revision = ("20250708_0001", "20250709_0001")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
