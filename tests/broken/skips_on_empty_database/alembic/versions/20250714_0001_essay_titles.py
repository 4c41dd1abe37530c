"""Essay titles.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import context, op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    op.add_column("essays", sa.Column("title", sa.String(255)))
    if not context.config.attributes["was_empty"]:
        op.create_index("ix_essays_title", "essays", ["title"])


def downgrade() -> None:
    op.drop_index("ix_essays_title", "essays", if_exists=True)
    op.drop_column("essays", "title")
