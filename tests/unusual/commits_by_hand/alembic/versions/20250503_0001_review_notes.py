"""Review notes.

Revision ID: 20250503_0001
Revises: 20250502_0001
Create Date: 2025-05-03 10:23:17.456191
"""

import sqlalchemy as sa
from alembic import op

revision = "20250503_0001"
down_revision = "20250502_0001"


def upgrade() -> None:
    op.add_column("reviews", sa.Column("note", sa.Text()))


def downgrade() -> None:
    op.drop_column("reviews", "note")
