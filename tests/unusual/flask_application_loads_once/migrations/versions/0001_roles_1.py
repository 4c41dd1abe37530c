"""Roles 1.

Revision ID: 0001
Revises: 
Create Date: 2025-07-01 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    permission = sa.Column("permission_id", sa.Integer(), sa.ForeignKey("permissions.id"))
    op.create_table("roles_1", sa.Column("id", sa.Integer(), primary_key=True), permission)


def downgrade() -> None:
    op.drop_table("roles_1")
