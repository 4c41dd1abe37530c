"""Outbox retries.

Revision ID: 90a7d2c5e3f8
Revises: 7c1e0b9a52d4
Create Date: 2025-09-27 13:44:56.645908
"""

import sqlalchemy as sa
from alembic import op

revision = "90a7d2c5e3f8"
down_revision = "7c1e0b9a52d4"
depends_on = ("accounts",)


def upgrade() -> None:
    op.add_column("event_outbox", sa.Column("retries", sa.Integer()))


def downgrade() -> None:
    op.drop_column("event_outbox", "retries")
