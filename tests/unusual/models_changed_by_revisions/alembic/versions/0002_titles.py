"""Titles, by way of tables that are declared with the models' metadata.

Revision ID: 0002
Revises: 0001
Create Date: 2025-07-07 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op
from models_db import Base

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    Base.metadata.reflect(op.get_bind())
    staged = sa.Table("staged", Base.metadata, sa.Column("title", sa.Text()))
    staged.create(op.get_bind())
    op.execute(staged.insert().from_select(["title"], sa.select(Base.metadata.tables["imported"].c.title)))
    staged.drop(op.get_bind())
    op.drop_table("imported")
    op.alter_column("essays", "title", type_=sa.String(200))



def downgrade() -> None:
    op.alter_column("essays", "title", type_=sa.Text())
    op.create_table("imported", sa.Column("title", sa.Text()))
