"""Word lengths.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.add_column("words", sa.Column("length", sa.Integer()))
    rows = op.get_bind().execute(sa.text("SELECT id, word FROM words")).all()
    op.get_bind().execute(
        sa.text("UPDATE words SET length = :length WHERE id = :id"),
        [{"id": row.id, "length": len(row.word)} for row in rows],
    )


def downgrade() -> None:
    op.drop_column("words", "length")
