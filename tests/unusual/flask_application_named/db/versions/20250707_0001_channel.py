"""The channel of an order, which the application configures.

Revision ID: 20250707_0001
Revises: 20250706_0001
Create Date: 2025-07-06 10:00:00.000000
"""

import sqlalchemy as sa
from alembic import op
from flask import current_app

revision = "20250707_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    channel = current_app.config["CHANNEL"]
    column = sa.Column("channel", sa.String(20), server_default=channel, nullable=False)
    op.add_column("orders", column)
    op.execute("CREATE TABLE spatial_ref_sys (id integer)")


def downgrade() -> None:
    op.execute("DROP TABLE spatial_ref_sys")
    op.drop_column("orders", "channel")
