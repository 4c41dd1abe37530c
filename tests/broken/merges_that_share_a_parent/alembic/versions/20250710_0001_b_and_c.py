"""Branches b and c.

Revision ID: 20250710_0001
Revises: 20250707_0001, 20250708_0001
Create Date: 2025-07-10 10:00:00.000000
"""

revision = "20250710_0001"
down_revision = ("20250707_0001", "20250708_0001")


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
