"""Titles of essays.

Revision ID: 20250708_0001
Revises: 20250707_0001
Create Date: 2025-07-08 10:00:00.000000
"""

import datetime

import sqlalchemy as sa
from alembic import op

revision = f"{datetime.date(2025, 7, 8):%Y%m%d}_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.create_table("titles", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("titles")
