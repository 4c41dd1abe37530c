"""Accounts.

Revision ID: 2b90d4f7c8e1
Revises:
Create Date: 2025-11-08 12:13:07.067821
"""

import sqlalchemy as sa
from alembic import op
from labels import LABELS

revision = "2b90d4f7c8e1"
down_revision = None
branch_labels = LABELS
depends_on = "events"


def upgrade() -> None:
    op.create_table("accounts", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("accounts")
