"""Merge essay associations and archived classes.

Revision ID: 20250811_0001
Revises: 20250804_0001, 20250805_0001
Create Date: 2025-08-11 15:02:08.730461
"""

from collections.abc import Sequence

revision: str = "20250811_0001"
down_revision: str | Sequence[str] | None = ("20250804_0001", "20250805_0001")
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
