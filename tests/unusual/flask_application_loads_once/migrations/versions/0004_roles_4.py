"""Roles 4.

Revision ID: 0004
Revises: 0003
Create Date: 2025-07-04 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    permission = sa.Column("permission_id", sa.Integer(), sa.ForeignKey("permissions.id"))
    op.create_table("roles_4", sa.Column("id", sa.Integer(), primary_key=True), permission)


def downgrade() -> None:
    op.drop_table("roles_4")
