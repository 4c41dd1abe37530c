"""what nobody reads."""

import sqlalchemy as sa
from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("TRUNCATE drafts")
    op.drop_table("drafts")


def downgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("text", sa.Text),
    )
