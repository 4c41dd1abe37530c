"""A branch.

Revision ID: e5
Revises: c3
Create Date: 2025-07-03 12:05:35.078285
"""

import sqlalchemy as sa
from alembic import op

revision = r'''e5'''
down_revision = ['c3']


def upgrade() -> None:
    op.add_column("classes", sa.Column("year", sa.Integer()))


def downgrade() -> None:
    op.drop_column("classes", "year")
