"""Essays.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import os
import sys

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    os.write(1, b"\xff\xfe not UTF-8 \x00\n")
    op.create_table("essays", sa.Column("id", sa.Uuid(), primary_key=True))
    sys.stdout.write("no end of line")


def downgrade() -> None:
    op.drop_table("essays")
