"""Roles 3.

Revision ID: 0003
Revises: 0002
Create Date: 2025-07-03 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    permission = sa.Column("permission_id", sa.Integer(), sa.ForeignKey("permissions.id"))
    op.create_table("roles_3", sa.Column("id", sa.Integer(), primary_key=True), permission)


def downgrade() -> None:
    op.drop_table("roles_3")
