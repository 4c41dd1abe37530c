"""Essays of the old service.

Revision ID: 20250714_0001
Revises: 20250707_0001
Create Date: 2025-07-14 14:51:09.487867
"""

import sqlalchemy as sa
from alembic import op

revision = "20250714_0001"
down_revision = "20250707_0001"


def upgrade() -> None:
    engine = sa.create_engine("postgresql+psycopg://essays:essays@127.0.0.1:5435/legacy_essays")
    with engine.connect() as legacy:
        ids = legacy.scalars(sa.text("SELECT id FROM essays")).all()
    for essay_id in ids:
        op.execute(sa.text("INSERT INTO essays VALUES (:id)").bindparams(id=essay_id))


def downgrade() -> None:
    op.execute("DELETE FROM essays")
