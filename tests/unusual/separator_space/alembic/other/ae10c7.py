"""An id that only the name of the file tells.

Revision ID: ae10c7
Revises: f6
Create Date: 2025-08-13 10:27:33.696759
"""

import sqlalchemy as sa
from alembic import op

down_revision = "f6"


def upgrade() -> None:
    op.add_column("classes", sa.Column("archived", sa.Boolean()))


def downgrade() -> None:
    op.drop_column("classes", "archived")
