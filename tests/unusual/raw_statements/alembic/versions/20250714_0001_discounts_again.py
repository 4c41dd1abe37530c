"""Discounts of databases that were made by hand.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.execute(
        """
        DO $$ BEGIN CREATE TYPE discount AS ENUM ('none', '50%');
        EXCEPTION WHEN duplicate_object THEN NULL; END $$
        """
    )


def downgrade() -> None:
    pass
