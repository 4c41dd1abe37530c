"""The status of an order.

Revises: 20261101_01
"""

from __future__ import annotations

from alembic import op
import sqlalchemy as sa

revision: str = '20261102_01'
down_revision: str | None = '20261101_01'


def upgrade():
    # Rows that are there are new.
    op.add_column(
        'orders',
        sa.Column('status', sa.String(20), server_default='new', nullable=False),
    )


def downgrade():
    """Without it."""
    op.drop_column('orders', 'status')
