"""Pages of essays, a table that no revision creates, beside one that is new.

Revision ID: 20250705_0001
Revises:
Create Date: 2025-07-05 10:11:12.131415
"""

import sqlalchemy as sa
from alembic import op

revision = "20250705_0001"
down_revision = None


def upgrade() -> None:
    op.create_table("pages", sa.Column("id", sa.Integer(), primary_key=True))
    op.add_column("essays", sa.Column("pages", sa.Integer()))


def downgrade() -> None:
    op.drop_column("essays", "pages")
    op.drop_table("pages")
