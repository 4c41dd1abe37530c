"""Keys.

Revision ID: 20250702_0001
Revises: 20250701_0001
Create Date: 2025-07-02 10:00:00.000000
"""

from alembic import op

revision = "20250702_0001"
down_revision = "20250701_0001"


def upgrade() -> None:
    op.create_unique_constraint("uq_essays_id", "essays", ["id"])
    op.create_unique_constraint("uq_essays_title", "essays", ["title"])
    op.create_unique_constraint("essays_title_key", "essays", ["title"])
    op.execute("ALTER TABLE essays ADD CONSTRAINT ck_not_seven CHECK (points <> 7) NOT VALID")


def downgrade() -> None:
    op.drop_constraint("ck_not_seven", "essays")
    op.drop_constraint("essays_title_key", "essays")
    op.drop_constraint("uq_essays_title", "essays")
    op.drop_constraint("uq_essays_id", "essays")
