# The names of revisions are those of releases.

import names
import sqlalchemy as sa
from alembic import op

revision = names.ESSAYS
down_revision = "20250706_0001"


def upgrade() -> None:
    op.create_table("essays", sa.Column("id", sa.Integer(), primary_key=True))


def downgrade() -> None:
    op.drop_table("essays")
