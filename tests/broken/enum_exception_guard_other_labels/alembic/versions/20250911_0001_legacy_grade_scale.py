"""Legacy grade scale.

Revision ID: 20250911_0001
Revises: 20250706_0001
Create Date: 2025-09-11 13:44:56.479948
"""

import sqlalchemy as sa
from alembic import op

revision = "20250911_0001"
down_revision = "20250706_0001"


def upgrade() -> None:
    op.execute(
        """
        DO $$ BEGIN
            CREATE TYPE grade_scale_enum AS ENUM ('swedish_8_anchor', 'eng5_np', 'eng5_np_legacy');
        EXCEPTION WHEN duplicate_object THEN NULL;
        END $$
        """
    )
    op.add_column("assignments", sa.Column("legacy_scale", sa.Boolean()))


def downgrade() -> None:
    op.drop_column("assignments", "legacy_scale")
