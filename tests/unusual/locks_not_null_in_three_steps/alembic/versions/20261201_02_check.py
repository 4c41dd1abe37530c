"""not null by a check."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.execute("ALTER TABLE orders ALTER email SET NOT NULL")
    op.execute("ALTER TABLE orders DROP CONSTRAINT orders_email_set")


def downgrade() -> None:
    op.execute("ALTER TABLE orders ADD CONSTRAINT orders_email_set CHECK (email IS NOT NULL AND email <> '')")
    op.execute("ALTER TABLE orders ALTER email DROP NOT NULL")
