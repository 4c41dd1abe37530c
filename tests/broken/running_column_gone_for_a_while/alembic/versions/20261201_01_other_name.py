"""the e-mail has another name."""

from alembic import op

revision = "20261201_01"
down_revision = "20261101_01"


def upgrade() -> None:
    op.alter_column("orders", "email", new_column_name="mail")


def downgrade() -> None:
    op.alter_column("orders", "mail", new_column_name="email")
