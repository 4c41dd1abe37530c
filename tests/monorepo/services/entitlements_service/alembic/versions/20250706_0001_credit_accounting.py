"""Credit balances and operations.

Revision ID: 20250706_0001
Revises:
Create Date: 2025-07-06 12:31:08.442190
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "20250706_0001"
down_revision: str | Sequence[str] | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "credit_balances",
        sa.Column("subject_type", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("balance", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.CheckConstraint(
            "subject_type IN ('user', 'org')", name=op.f("ck_credit_balances_subject_type")
        ),
        sa.CheckConstraint("balance >= 0", name=op.f("ck_credit_balances_balance")),
        sa.PrimaryKeyConstraint("subject_type", "subject_id", name=op.f("pk_credit_balances")),
    )
    op.create_table(
        "credit_operations",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("subject_type", sa.String(10), nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("metric", sa.String(100), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(20), server_default="pending", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.CheckConstraint(
            "status IN ('pending', 'completed', 'failed')",
            name=op.f("ck_credit_operations_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_operations")),
    )
    op.create_index(
        "ix_credit_operations_subject",
        "credit_operations",
        ["subject_type", "subject_id", sa.text("created_at DESC")],
    )


def downgrade() -> None:
    op.drop_table("credit_operations")
    op.drop_table("credit_balances")
