"""Unicode literals.

Revision ID: b2
Revises: a1
Create Date: 2025-11-09 15:38:02.911986
"""

import sqlalchemy as sa
from alembic import op

revision = u'b2'
down_revision = u'a1'


def upgrade() -> None:
    op.create_table("classes", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("classes")
