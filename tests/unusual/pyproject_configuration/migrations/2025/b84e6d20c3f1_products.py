"""Products.

Revision ID: b84e6d20c3f1
Revises: 3f0a9c1d7e52
Create Date: 2025-07-24 14:35:05.056395
"""

import sqlalchemy as sa
from alembic import op

revision = "b84e6d20c3f1"
down_revision = "3f0a9c1d7e52"


def upgrade() -> None:
    op.create_table("products", sa.Column("id", sa.Uuid(), primary_key=True))


def downgrade() -> None:
    op.drop_table("products")
