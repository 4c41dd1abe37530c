"""One credit operation per correlation id.

Revision ID: 20250819_0001
Revises: 20250712_0001
Create Date: 2025-08-19 13:15:39.016482
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250819_0001"
down_revision: str | Sequence[str] | None = "20250712_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("credit_operations", sa.Column("correlation_id", sa.String(255), nullable=True))
    op.create_unique_constraint(
        op.f("uq_credit_operations_correlation_id"), "credit_operations", ["correlation_id"]
    )


def downgrade() -> None:
    op.drop_constraint(
        op.f("uq_credit_operations_correlation_id"), "credit_operations", type_="unique"
    )
    op.drop_column("credit_operations", "correlation_id")
