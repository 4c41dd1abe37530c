"""Credit operations can be refunded.

Revision ID: 20250915_0001
Revises: 20250819_0001
Create Date: 2025-09-15 10:58:24.673911
"""

from collections.abc import Sequence

from alembic import op

revision: str = "20250915_0001"
down_revision: str | Sequence[str] | None = "20250819_0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_credit_operations_status"), "credit_operations", type_="check")
    op.create_check_constraint(
        op.f("ck_credit_operations_status"),
        "credit_operations",
        "status IN ('pending', 'completed', 'failed', 'refunded')",
    )


def downgrade() -> None:
    op.execute("UPDATE credit_operations SET status = 'failed' WHERE status = 'refunded'")
    op.drop_constraint(op.f("ck_credit_operations_status"), "credit_operations", type_="check")
    op.create_check_constraint(
        op.f("ck_credit_operations_status"),
        "credit_operations",
        "status IN ('pending', 'completed', 'failed')",
    )
