"""Roles 2.

Revision ID: 0002
Revises: 0001
Create Date: 2025-07-02 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    permission = sa.Column("permission_id", sa.Integer(), sa.ForeignKey("permissions.id"))
    op.create_table("roles_2", sa.Column("id", sa.Integer(), primary_key=True), permission)


def downgrade() -> None:
    op.drop_table("roles_2")
