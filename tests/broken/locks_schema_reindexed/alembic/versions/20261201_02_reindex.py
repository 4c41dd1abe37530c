"""build all indexes anew."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("REINDEX SCHEMA public")


def downgrade() -> None:
    pass
