"""names may be alike."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.drop_constraint("customers_name_key", "customers")


def downgrade() -> None:
    op.create_unique_constraint("customers_name_key", "customers", ["name"])
