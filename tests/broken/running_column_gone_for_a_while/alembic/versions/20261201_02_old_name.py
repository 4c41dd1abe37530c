"""the e-mail has its old name again."""

from alembic import op

revision = "20261201_02"
down_revision = "20261201_01"


def upgrade() -> None:
    op.alter_column("orders", "mail", new_column_name="email")


def downgrade() -> None:
    op.alter_column("orders", "email", new_column_name="mail")
