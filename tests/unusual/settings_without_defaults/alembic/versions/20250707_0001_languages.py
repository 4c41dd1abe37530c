"""Languages.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-07 16:05:35.503705
"""

import sqlalchemy as sa
from alembic import op
from settings import settings

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    languages = op.create_table("languages", sa.Column("code", sa.String(8), primary_key=True))
    codes = settings.languages_file.read_text().split()
    op.bulk_insert(languages, [{"code": code} for code in codes])


def downgrade() -> None:
    op.drop_table("languages")
