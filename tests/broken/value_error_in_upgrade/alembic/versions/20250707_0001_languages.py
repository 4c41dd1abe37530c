"""Languages.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op

revision = "20250707_0001"
down_revision = "20250706_0001"

def normalised(code: str) -> str:
    """A two-letter code."""
    if len(code) != 2:
        raise ValueError(f"not a two-letter code: {code}")
    return code.lower()


def upgrade() -> None:
    languages = op.create_table("languages", sa.Column("code", sa.String(2), primary_key=True))
    op.bulk_insert(languages, [{"code": normalised(code)} for code in ("sv", "en", "swe")])


def downgrade() -> None:
    op.drop_table("languages")
