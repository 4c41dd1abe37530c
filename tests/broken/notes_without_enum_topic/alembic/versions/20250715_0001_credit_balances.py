"""Credit balances.

Revision ID: 20250715_0001
Revises: 20250706_0001
Create Date: 2025-07-15 15:58:22.495786
"""

import sqlalchemy as sa
from alembic import op

revision = "20250715_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table(
        "credit_balances",
        sa.Column("subject_id", sa.String(255), primary_key=True),
        sa.Column("balance", sa.Integer(), server_default="0", nullable=False),
    )


def downgrade() -> None:
    op.drop_table("credit_balances")
